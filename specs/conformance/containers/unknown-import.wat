;; An import that no device offers.
(module
  (import "env" "format_disk" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "loop") (result i32) (i32.const 0)))
