;; A start function that never ends.
(module
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func $begin
    (loop $again
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (br $again)))
  (start $begin)
  (func (export "loop") (result i32) (i32.const 0)))
