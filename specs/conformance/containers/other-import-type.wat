;; A call with one parameter too many.
(module
  (import "env" "open" (func (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "loop") (result i32) (i32.const 0)))
