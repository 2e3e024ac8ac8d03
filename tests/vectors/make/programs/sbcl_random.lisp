;; Oracle: SBCL's random. Arguments: CALL LO HI COUNT SEED... (seeds in hex); the call is random.
(destructuring-bind (lo hi count) (mapcar #'parse-integer (subseq sb-ext:*posix-argv* 2 5))
  (dolist (seed (nthcdr 5 sb-ext:*posix-argv*))
    (let ((state (sb-ext:seed-random-state (parse-integer seed :radix 16))))
      (format t "~a~{,~a~}~%" seed (loop repeat count collect (+ lo (random (+ 1 (- hi lo)) state)))))))
