;; Maxima that no small device has: what is declared is accepted, and growth ends at the device's own
;; limit. Loop returns 1 if a grow beyond it does not give -1, or if memory was not what it was.
(module
  (memory (export "memory") 1 65536)
  (table 1 0xffffffff funcref)
  (func (export "loop") (result i32)
    (i32.or
      (i32.or
        (i32.ne (memory.grow (i32.const 32767)) (i32.const -1))
        (i32.ne (table.grow (ref.null func) (i32.const 1000000000)) (i32.const -1)))
      (i32.or
        (i32.ne (memory.size) (i32.const 1))
        (i32.ne (table.size) (i32.const 1))))))
