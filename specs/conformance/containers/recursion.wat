;; Calls itself without end.
(module
  (memory (export "memory") 1)
  (func $again (param i32) (result i32)
    (i32.add (i32.const 1) (call $again (local.get 0))))
  (func (export "loop") (result i32) (call $again (i32.const 0))))
