; FALSE, so that a refusal can be seen. A sensor's reading is said to survive calibration: adding an offset and taking
; it away again gives the reading back, for finite readings and offsets in 32-bit floating point. Rounding loses it.
; The manifest beside this file claims unsat; a validator finds sat and refuses it.
(set-logic QF_FP)
(declare-const reading Float32)
(declare-const offset Float32)
(define-fun calibrated () Float32 (fp.add RNE reading offset))
(assert (not (or (fp.isNaN reading) (fp.isInfinite reading) (fp.isNaN offset) (fp.isInfinite offset))))
(assert (not (fp.isInfinite calibrated)))
(assert (not (fp.eq (fp.sub RNE calibrated offset) reading)))
(check-sat)
