;; Nests 256 calls, the hook included.
(module
  (memory (export "memory") 1)
  (func $nest (param i32)
    (if (local.get 0)
      (then (call $nest (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "loop") (result i32)
    (call $nest (i32.const 254))
    (i32.const 0)))
