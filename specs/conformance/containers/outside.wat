;; Reads outside of its memory.
(module
  (memory (export "memory") 1)
  (func (export "loop") (result i32) (i32.load (i32.const 65534))))
