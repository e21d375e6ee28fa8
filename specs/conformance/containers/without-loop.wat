;; No loop.
(module
  (memory (export "memory") 1)
  (func (export "start")))
