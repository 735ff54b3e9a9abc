// What this processor and its operating system let us run.
#pragma once

namespace dragoman {

struct CpuFeatures {
  bool avx2_fma = false;     // AVX2, FMA; the system saves ymm
  bool avx_vnni = false;     // VEX-encoded vpdpbusd
  bool avx512 = false;       // F, BW, DQ, VL; the system saves zmm and masks
  bool avx512_vnni = false;  // EVEX-encoded vpdpbusd
  bool arm_dot = false;      // signed dot products of bytes (every AArch64 has NEON)
  bool arm_i8mm = false;     // and matrix products of bytes, of which one is unsigned by signed
};

CpuFeatures detect_cpu();

}  // namespace dragoman
