;; A loop that returns nothing.
(module
  (memory (export "memory") 1)
  (func (export "loop")))
