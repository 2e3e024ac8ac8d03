/* Records what a process does to the files under one folder, in order, with the bytes. LD_PRELOAD with MIMICRY_RECORD=LOG, MIMICRY_UNDER=FOLDER.

   Lines: C path id (created), W id offset size + bytes, T id size (truncated), S id (fsync, fdatasync), D path (a folder was synced),
   R old new (renamed), U path (unlinked), M path (folder made). Mapped memory is not seen; SQLite's -shm is rebuilt at every opening. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_file = -1;
static char under[4096];
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static ssize_t (*real_write)(int, const void *, size_t);

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("MIMICRY_RECORD"), *folder = getenv("MIMICRY_UNDER");
    real_write = REAL(ssize_t, "write", int, const void *, size_t);
    if (!log || !folder) return;
    snprintf(under, sizeof under, "%s", folder);
    log_file = REAL(int, "open64", const char *, int, ...)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int ours(const char *path) { return log_file >= 0 && !strncmp(path, under, strlen(under)); }

static int named(int file, char *path, size_t size, struct stat *found) {
    char link[64];
    if (log_file < 0 || fstat(file, found)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, size - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return ours(path);
}

static void note(const char *data, size_t size, const char *format, ...) {
    char line[9000];
    va_list rest;
    va_start(rest, format);
    int length = vsnprintf(line, sizeof line, format, rest);
    va_end(rest);
    (void)!real_write(log_file, line, (size_t)length);
    if (size) (void)!real_write(log_file, data, size);
}

static void wrote(int file, const void *data, ssize_t size, off64_t at) {
    char path[4096];
    struct stat found;
    if (size > 0 && named(file, path, sizeof path, &found) && S_ISREG(found.st_mode))
        note(data, (size_t)size, "W %lu %lld %zd\n", (unsigned long)found.st_ino, (long long)at, size);
}

ssize_t write(int file, const void *data, size_t size) {
    if (log_file < 0 || file == log_file) return real_write(file, data, size);
    pthread_mutex_lock(&turn);
    struct stat found;
    off64_t at = lseek64(file, 0, SEEK_CUR);
    if (at >= 0 && (fcntl(file, F_GETFL) & O_APPEND) && !fstat(file, &found)) at = found.st_size;
    ssize_t done = real_write(file, data, size);
    if (at >= 0) wrote(file, data, done, at);
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    pthread_mutex_lock(&turn);
    ssize_t done = REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)(file, data, size, at);
    wrote(file, data, done, at);
    pthread_mutex_unlock(&turn);
    return done;
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) { return pwrite64(file, data, size, at); }

static int synced(int file, const char *how) {
    char path[4096];
    struct stat found;
    pthread_mutex_lock(&turn);
    int failed = REAL(int, how, int)(file);
    if (!failed && named(file, path, sizeof path, &found)) {
        if (S_ISDIR(found.st_mode)) note(0, 0, "D %s\n", path);
        else note(0, 0, "S %lu\n", (unsigned long)found.st_ino);
    }
    pthread_mutex_unlock(&turn);
    return failed;
}
int fsync(int file) { return synced(file, "fsync"); }
int fdatasync(int file) { return synced(file, "fdatasync"); }

int ftruncate64(int file, off64_t size) {
    char path[4096];
    struct stat found;
    pthread_mutex_lock(&turn);
    int failed = REAL(int, "ftruncate64", int, off64_t)(file, size);
    if (!failed && named(file, path, sizeof path, &found)) note(0, 0, "T %lu %lld\n", (unsigned long)found.st_ino, (long long)size);
    pthread_mutex_unlock(&turn);
    return failed;
}
int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int rename(const char *old, const char *new) {
    pthread_mutex_lock(&turn);
    int failed = REAL(int, "rename", const char *, const char *)(old, new);
    if (!failed && ours(new)) note(0, 0, "R %s\t%s\n", old, new);
    pthread_mutex_unlock(&turn);
    return failed;
}
int unlink(const char *path) {
    pthread_mutex_lock(&turn);
    int failed = REAL(int, "unlink", const char *)(path);
    if (!failed && ours(path)) note(0, 0, "U %s\n", path);
    pthread_mutex_unlock(&turn);
    return failed;
}
int mkdir(const char *path, mode_t mode) {
    pthread_mutex_lock(&turn);
    int failed = REAL(int, "mkdir", const char *, mode_t)(path, mode);
    if (!failed && ours(path)) note(0, 0, "M %s\n", path);
    pthread_mutex_unlock(&turn);
    return failed;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    pthread_mutex_lock(&turn);
    struct stat found;
    int fresh = (flags & O_CREAT) && fstatat(folder, path, &found, 0);
    int file = REAL(int, "openat64", int, const char *, int, ...)(folder, path, flags, mode);
    if (file >= 0 && path[0] == '/' && ours(path) && !fstat(file, &found) && S_ISREG(found.st_mode)) {
        if (fresh) note(0, 0, "C %s\t%lu\n", path, (unsigned long)found.st_ino);
        else if (flags & O_TRUNC) note(0, 0, "T %lu 0\n", (unsigned long)found.st_ino);
    }
    pthread_mutex_unlock(&turn);
    return file;
}
#define MODE(last) mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, last); mode = va_arg(rest, mode_t); va_end(rest); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return opened(folder, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return opened(folder, path, flags, mode); }
