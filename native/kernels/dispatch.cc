// Chooses the table of kernels once per process; nothing below it knows that there is more than one.
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include "error.h"
#include "kernels/cpu.h"
#include "kernels/kernels.h"

namespace dragoman {

namespace generic {
extern const Kernels kKernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Kernels kKernels;
}
namespace avxvnni {
extern const Kernels kKernels;
}
namespace avx512bw {
extern const Kernels kKernels;
}
namespace avx512vnni {
extern const Kernels kKernels;
}
namespace amx {
extern const Kernels kKernels;
}
#elif defined(__aarch64__)
namespace neon {
extern const Kernels kKernels;
}
namespace neondot {
extern const Kernels kKernels;
}
namespace neoni8mm {
extern const Kernels kKernels;
}
#endif

namespace {

struct Available {
  // Best first, then null.
  std::array<const Kernels*, 7> tables{};

  Available() {
    size_t count = 0;
#if defined(__x86_64__)
    const CpuFeatures cpu = detect_cpu();
    if (cpu.amx_int8) tables[count++] = &amx::kKernels;
    if (cpu.avx512_vnni) tables[count++] = &avx512vnni::kKernels;
    if (cpu.avx_vnni) tables[count++] = &avxvnni::kKernels;
    if (cpu.avx512) tables[count++] = &avx512bw::kKernels;
    if (cpu.avx2_fma) tables[count++] = &avx2::kKernels;
#elif defined(__aarch64__)
    const CpuFeatures cpu = detect_cpu();
    if (cpu.arm_i8mm) tables[count++] = &neoni8mm::kKernels;
    if (cpu.arm_dot) tables[count++] = &neondot::kKernels;
    tables[count++] = &neon::kKernels;
#endif
    tables[count] = &generic::kKernels;
  }
};

const Kernels& choose() {
  const char* wanted = std::getenv("DRAGOMAN_CPU");
  if (wanted == nullptr || *wanted == '\0') return *available_kernels()[0];
  if (const Kernels* found = kernels_by_name(wanted)) return *found;
  std::string message = "DRAGOMAN_CPU is '" + std::string(wanted) + "', which this machine cannot run. It can run:";
  for (const Kernels* const* table = available_kernels(); *table != nullptr; ++table) {
    message += std::string(" ") + (*table)->name;
  }
  throw Error(Error::Code::kUnavailable, message + ". Unset DRAGOMAN_CPU to let dragoman choose the fastest.");
}

}  // namespace

const Kernels* const* available_kernels() {
  static const Available available;
  return available.tables.data();
}

const Kernels* kernels_by_name(const char* name) {
  for (const Kernels* const* table = available_kernels(); *table != nullptr; ++table) {
    if (std::strcmp((*table)->name, name) == 0) return *table;
  }
  return nullptr;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace dragoman
