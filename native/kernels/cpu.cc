#include "kernels/cpu.h"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace dragoman {

#if defined(__x86_64__)

namespace {

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

// Extended control register 0: the register states that the operating system saves.
uint64_t saved_states() {
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

// Linux saves the tiles' 8 KB for those who ask (kernel's Documentation/arch/x86/xstate.rst).
bool may_use_tiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

constexpr bool bit(uint32_t word, int index) { return (word >> index & 1) != 0; }

}  // namespace

// Bits: Intel SDM volume 2A, CPUID; volume 1, 13.3 (XCR0).
CpuFeatures detect_cpu() {
  CpuFeatures features;
  const Registers basic = cpuid(1, 0);
  const bool osxsave = bit(basic.ecx, 27), avx = bit(basic.ecx, 28), fma = bit(basic.ecx, 12);
  if (!osxsave || !avx) return features;
  const uint64_t saved = saved_states();
  const bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xe6) == 0xe6;

  const Registers extended = cpuid(7, 0), more = cpuid(7, 1);
  features.avx2_fma = ymm && fma && bit(extended.ebx, 5);
  features.avx_vnni = features.avx2_fma && extended.eax >= 1 && bit(more.eax, 4);
  features.avx512 = zmm && features.avx2_fma && bit(extended.ebx, 16) && bit(extended.ebx, 17) &&
                    bit(extended.ebx, 30) && bit(extended.ebx, 31);
  features.avx512_vnni = features.avx512 && bit(extended.ecx, 11);
  const bool tiles = (saved & 0x60000) == 0x60000 && bit(extended.edx, 24) && bit(extended.edx, 25);
  features.amx_int8 = features.avx512_vnni && tiles && may_use_tiles();
  return features;
}

#elif defined(__aarch64__) && defined(__APPLE__)

namespace {

bool has(const char* feature) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(feature, &value, &size, nullptr, 0) == 0 && value != 0;
}

}  // namespace

// Names: Apple, "Determining instruction set characteristics".
CpuFeatures detect_cpu() {
  CpuFeatures features;
  features.arm_dot = has("hw.optional.arm.FEAT_DotProd");
  features.arm_i8mm = features.arm_dot && has("hw.optional.arm.FEAT_I8MM");
  return features;
}

#elif defined(__aarch64__) && defined(__linux__)

// Bits: the kernel's arch/arm64/include/uapi/asm/hwcap.h, as older C libraries lack the names.
CpuFeatures detect_cpu() {
  constexpr unsigned long kAsimdDp = 1ul << 20, kI8mm = 1ul << 13;
  CpuFeatures features;
  features.arm_dot = (getauxval(AT_HWCAP) & kAsimdDp) != 0;
  features.arm_i8mm = features.arm_dot && (getauxval(AT_HWCAP2) & kI8mm) != 0;
  return features;
}

#else

CpuFeatures detect_cpu() { return {}; }

#endif

}  // namespace dragoman
