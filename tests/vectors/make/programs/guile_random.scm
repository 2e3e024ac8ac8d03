;; Oracle: Guile's random. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
(define (draw call lo size state)
  (cond
   ;; Every word below 2^32 - 1 is kept as it is.
   ((string=? call "word") (number->string (random 4294967295 state) 16))
   ((string=? call "random") (number->string (+ lo (random size state))))
   ((string=? call "real") (number->string (+ lo (inexact->exact (floor (* size (random:uniform state)))))))))

(define (row seed call lo hi count)
  (let ((state (seed->random-state (string->number seed 16))))
    (let loop ((left count) (fields (list seed)))
      (if (= left 0)
          (string-join (reverse fields) ",")
          (loop (- left 1) (cons (draw call lo (+ 1 (- hi lo)) state) fields))))))

(let* ((arguments (cdr (command-line)))
       (numbers (map string->number (list-head (cdr arguments) 3))))
  (for-each
   (lambda (seed) (format #t "~a~%" (apply row seed (car arguments) numbers)))
   (list-tail arguments 4)))
