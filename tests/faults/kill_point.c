/* Kills this process with -9 at the N-th durable operation of a kind, or in the middle of one. LD_PRELOAD; acts in the engine's process alone.

   MIMICRY_KILL="CALLS:PATH:N:MODE"  CALLS: names joined by + (put is pwrite), PATH: a part of the file's
   path, with $ its end, MODE: before | after | torn (half of the
   bytes are written). N = 0 kills never and counts: the count stands in the log. MIMICRY_KILL_LOG: a file that gets one line. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char calls[128], part[128], mode[16], logged[4096];
static long wanted = -1;
static atomic_long seen;
static int log_file = -1;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *), (*real_ftruncate)(int, off64_t);

static int is_engine(void) {
    char text[8192];
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? 0 : read(file, text, sizeof text - 1);
    close(file);
    for (ssize_t i = 0; i < size; i++) if (!text[i]) text[i] = ' ';
    text[size > 0 ? size : 0] = 0;
    return strstr(text, "engine.cli") != 0;
}

__attribute__((constructor)) static void begin(void) {
    real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    real_pwrite = (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    real_rename = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    real_unlink = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    real_ftruncate = (int (*)(int, off64_t))dlsym(RTLD_NEXT, "ftruncate64");
    const char *asked = getenv("MIMICRY_KILL"), *log = getenv("MIMICRY_KILL_LOG");
    if (!asked || !is_engine() || sscanf(asked, "%127[^:]:%127[^:]:%ld:%15s", calls, part, &wanted, mode) != 4) return;
    if (log) log_file = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static void told(const char *call, const char *path) {
    int size = snprintf(logged, sizeof logged, "%s %ld %s %s\n", call, (long)seen, mode, path);
    if (log_file >= 0 && size > 0) (void)!pwrite(log_file, logged, (size_t)size, 0);
}

static int matches(const char *path) {
    size_t length = strlen(part), whole = strlen(path);
    if (length && part[length - 1] == '$') return whole >= length - 1 && !strncmp(path + whole - length + 1, part, length - 1);
    return strstr(path, part) != 0;
}

/* Say whether this is the operation to die at. */
static int hit(const char *call, const char *path) {
    if (wanted < 0 || !strstr(calls, call) || !matches(path)) return 0;
    long number = atomic_fetch_add(&seen, 1) + 1;
    if (number != wanted && wanted != 0) return 0;
    told(call, path);
    return wanted != 0;
}

static int hit_file(const char *call, int file) {
    char link[64], path[4096];
    if (wanted < 0 || !strstr(calls, call)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return path[0] == '/' && hit(call, path);
}

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }
static int torn(void) { return mode[0] == 't'; }
static int before(void) { return mode[0] == 'b'; }

ssize_t write(int file, const void *data, size_t size) {
    if (!hit_file("write", file)) return real_write(file, data, size);
    if (!before()) (void)!real_write(file, data, torn() ? size / 2 : size);
    die();
    return -1;
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    if (!hit_file("put", file)) return real_pwrite(file, data, size, at);
    if (!before()) (void)!real_pwrite(file, data, torn() ? size / 2 : size, at);
    die();
    return -1;
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) { return pwrite64(file, data, size, at); }
#define ONE(name, argument, found, again)                                                                   \
    int name argument {                                                                                     \
        if (!found) return again;                                                                           \
        if (!before()) (void)!again;                                                                        \
        die();                                                                                              \
        return -1;                                                                                          \
    }
ONE(fsync, (int file), hit_file("fsync", file), real_fsync(file))
ONE(fdatasync, (int file), hit_file("fdatasync", file), real_fdatasync(file))
ONE(rename, (const char *old, const char *new), hit("rename", new), real_rename(old, new))
ONE(unlink, (const char *path), hit("unlink", path), real_unlink(path))
ONE(ftruncate64, (int file, off64_t size), hit_file("truncate", file), real_ftruncate(file, size))
int ftruncate(int file, off_t size) { return ftruncate64(file, size); }
