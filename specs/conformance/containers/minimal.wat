;; The least that is a container.
(module
  (memory (export "memory") 1)
  (func (export "loop") (result i32) (i32.const 0)))
