// The kernels of one instruction set. Compiled once per target with its own flags and DRAGOMAN_TARGET, the name of its
// namespace; everything but the table is local to the object, so none of it can be linked into another.
#include "kernels/kernels.h"
#include "kernels/attention-inl.h"
#include "kernels/elementwise-inl.h"
#include "kernels/gemm_float-inl.h"
#include "kernels/gemm_int8_sparse-inl.h"
#include "kernels/pack_rows-inl.h"
#include "kernels/peak-inl.h"
#include "kernels/recurrent-inl.h"
#include "kernels/rowwise-inl.h"
#include "kernels/screen-inl.h"
#if defined(__AMX_INT8__)
#include "kernels/gemm_int8_amx-inl.h"
#endif

#define DRAGOMAN_NAME_OF(target) #target
#define DRAGOMAN_NAME(target) DRAGOMAN_NAME_OF(target)

namespace dragoman::DRAGOMAN_TARGET {

extern const Kernels kKernels;
const Kernels kKernels = {
    .name = DRAGOMAN_NAME(DRAGOMAN_TARGET),
#if defined(__AMX_INT8__)
    .gemm_int8 = gemm_int8_amx,
#else
    .gemm_int8 = gemm_int8,
#endif
    .gemm_float = gemm_float,
    .screen = screen,
    .quantize = quantize,
    .quantize_rows = quantize_rows,
    .norm = norm,
    .pack_keys = pack_keys,
    .attention = attention,
    .cached_attention = cached_attention,
    .additive_attention = additive_attention,
    .activate = activate,
    .binary = binary,
    .mix = mix,
    .running_average = running_average,
    .gru = gru,
    .lstm = lstm,
    .embed_float = embed_float,
    .embed_int8 = embed_int8,
    .argmax = argmax,
    .add_exponentials = add_exponentials,
    .log_of = log_of,
    .log_sum_exp = log_sum_exp,
    .gather = gather,
    .pack_rows_int8 = pack_rows_int8,
    .pack_rows_float = pack_rows_float,
#if defined(__AMX_INT8__)
    .peak_int8 = peak_int8_amx,
#else
    .peak_int8 = peak_int8,
#endif
    .peak_float = peak_float,
};

}  // namespace dragoman::DRAGOMAN_TARGET
