;; No memory.
(module
  (func (export "loop") (result i32) (i32.const 0)))
