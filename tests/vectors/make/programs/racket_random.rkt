#lang racket/base
;; Oracle: Racket's random. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
(require racket/string)

(define modulus 4294967087)

(define (draw call lo size)
  (case call
    [("word") (number->string (random modulus) 16)]
    [("random") (number->string (+ lo (random size)))]
    [("real") (number->string (+ lo (inexact->exact (floor (* (random) size)))))]))

(define arguments (vector->list (current-command-line-arguments)))
(define call (car arguments))
(define-values (lo hi count) (apply values (map string->number (list (cadr arguments) (caddr arguments) (cadddr arguments)))))

(for ([seed (list-tail arguments 4)])
  (random-seed (string->number seed 16))
  (displayln (string-join (cons seed (for/list ([_ count]) (draw call lo (add1 (- hi lo))))) ",")))
