;; 257 nested blocks, as for a switch of as many cases, and 100 nops: instructions that do nothing, and
;; are no reason to refuse a module. Loop returns 0.
(module
  (memory (export "memory") 1)
  (func (export "loop") (result i32)
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block block block block block block block block block block block block block block
    block block
    nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop
    nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop
    nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop
    nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop
    nop nop nop nop nop nop nop nop
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end
    i32.const 0))
