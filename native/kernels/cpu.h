// What this processor and its operating system let us run.
#pragma once

namespace dragoman {

struct CpuFeatures {
  bool avx2_fma = false;     // AVX2, FMA; the system saves ymm
  bool avx_vnni = false;     // VEX-encoded vpdpbusd
  bool avx512 = false;       // F, BW, DQ, VL; the system saves zmm and masks
  bool avx512_vnni = false;  // EVEX-encoded vpdpbusd
  bool amx_int8 = false;     // tiles, their products of bytes; the system lets this process use them
  bool arm_dot = false;      // signed dot products of bytes (every AArch64 has NEON)
  bool arm_i8mm = false;     // and matrix products of bytes, of which one is unsigned by signed
};

// Asks the system for the use of tiles, which it grants to a whole process.
CpuFeatures detect_cpu();

}  // namespace dragoman
