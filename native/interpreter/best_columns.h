// Greedy search needs of a row of logits only its best column. So the output layer is cut into blocks of columns whose
// logits stay in the second-level cache, and of each row only the best so far is kept: the same product kernels and the
// same results as with whole rows, but no [rows][vocabulary] value in memory.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"

namespace dragoman {

// Columns that may not win, ascending.
struct Never {
  const int32_t* columns = nullptr;
  int32_t count = 0;

  bool has(int32_t column) const;
};

// The highest of the columns from `first` on, scores[0..count), the lowest on ties, by its place among the scores;
// those of `never` win only where all others are NaN, and NaN never does. Index -1 if there is none.
Best best_without(const Kernels& kernels, const float* scores, int32_t count, const Never& never, int32_t first = 0);

// What is kept of the rows of a product.
struct RowSummaries {
  Best* best;    // [rows]
  LogSum* sums;  // [rows]: of all columns, also `never`; or null
  Never never;
};

// For each row of the product, what best_without says of its row of n results. call.out is scratch, [m][block] with
// call.out_stride >= block; block is a multiple of kPanelColumns or at least n, and kScoreColumns or at least n if
// there are sums: so they are those that log_sum_exp makes of a whole row.
void best_columns(const Kernels& kernels, const GemmInt8& call, int32_t block, const RowSummaries& to);
void best_columns(const Kernels& kernels, const GemmFloat& call, int32_t block, const RowSummaries& to);

// The same for at most kMostScreenedRows rows, for about half the bytes: the sketch (kernels/sketch.h) tells which
// panels of columns may hold the best, and only those are computed. call.out: scratch of kPanelColumns; bounds: scratch
// of [m][ceil(n/32)]. False if the sketch tells too little to pay: `best` is then unfinished.
bool best_columns_screened(const Kernels& kernels, const GemmInt8& call, const uint8_t* sketch, const Never& never,
                           float* bounds, Best* best);

}  // namespace dragoman
