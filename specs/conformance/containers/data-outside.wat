;; Valid, but its data lie outside of its memory: no instance can be made of it.
(module
  (import "env" "logger" (func $logger (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 65536) "x")
  (func (export "loop") (result i32) (i32.const 0))
  (func (export "stop") (call $logger (i32.const 0))))
