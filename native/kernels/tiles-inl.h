// How the rows of a product are cut into tiles, and how a run-time height picks its compiled tile.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// A block is what a tile covers of the columns: a panel, or half of one.
constexpr int kTileColumns = 16 * kTileGroups;
constexpr int kBlocksPerPanel = kPanelColumns / kTileColumns;

// Weights to fetch while a tile computes.
//   Alone (one tile of rows): its own, `ahead` elements before they are used. Up to 7 rows wait for the caches, so into
//   L1 and close; higher tiles hide L2 but not memory, so into L2 and far (measured: 8 rows cold 165 -> 217 GOP/s).
//   Spread (several tiles share a panel): a part of the next panel, into L2, so that memory works during all tiles and
//   not only the first (64 rows cold 480 -> 770 GOP/s). `later` moves by `later_bytes` a step.
constexpr bool fetches_far(int rows) { return rows >= 8; }
constexpr size_t bytes_ahead(int rows) { return fetches_far(rows) ? 32768 : 2048; }

template <int R>
inline void fetch_ahead(const void* from) {
  if constexpr (fetches_far(R)) {
    __builtin_prefetch(from, 0, 2);
  } else {
    __builtin_prefetch(from, 0, 3);
  }
}

struct Prefetch {
  size_t ahead;
  const char* later;
  size_t later_bytes;
};

// Whether tiles of so many blocks read whole panels, line after line. Those that read one half and then the other had
// better fetch as if spread, even alone (avx2, 2 to 6 rows from memory: 1.6 to 2 times as fast).
constexpr bool whole_panels(int blocks) { return blocks >= kBlocksPerPanel; }

inline Prefetch near_prefetch(size_t ahead) { return {ahead, nullptr, 0}; }

// The share of tile `tile` of `tiles` and block `block`, of the panel at `next_panel`.
inline Prefetch spread_prefetch(const void* next_panel, size_t panel_bytes, size_t step_bytes, int block, int tile,
                                int tiles) {
  const size_t parts = static_cast<size_t>(tiles) * kBlocksPerPanel;
  const size_t part = static_cast<size_t>(block % kBlocksPerPanel) * tiles + tile;
  return {0, static_cast<const char*>(next_panel) + panel_bytes / parts * part, (step_bytes + parts - 1) / parts};
}

// Cuts `rows` into as few tiles of at most `tallest` rows as possible, as even as possible: 16 rows are 8 + 8 rather
// than 14 + 2, because a low tile re-reads the weights for little work.
struct RowTiles {
  RowTiles(int rows, int tallest)
      : count((rows + tallest - 1) / tallest), height(rows / (count > 0 ? count : 1)), taller(rows - height * count) {}
  int rows_of(int tile) const { return tile < taller ? height + 1 : height; }

  int count, height, taller;
};

// How many copies of a tile's sums to keep in flight when all of them together may take `most` of 16 lanes each.
constexpr int copies_in_flight(int rows, int most) {
  const int sums = rows * kTileGroups;
  return 4 * sums <= most ? 4 : 2 * sums <= most ? 2 : 1;
}

// The rows of a tile as few pointers: row r is base[r / 3] + (r % 3) * stride, which is one addressing mode. Left
// alone, gcc keeps a register a row, runs out, and moves pointers through the stack or vector registers inside the
// loop.
template <int R, class T>
struct TileRows {
  static constexpr int kBases = (R + 2) / 3;
  const T* base[kBases];
  size_t stride;

  TileRows(const T* a, size_t a_stride) : stride(a_stride) {
    for (int i = 0; i < kBases; ++i) base[i] = a + 3 * i * a_stride;
  }
  const T* row(int r) const { return base[r / 3] + (r % 3) * stride; }
  void advance(int columns) {
#pragma GCC unroll 5
    for (int i = 0; i < kBases; ++i) {
      const T* next = base[i] + columns;
      asm("" : "+r"(next));
      base[i] = next;
    }
  }
};

// Calls function.operator()<R>() for R == rows, 1 <= rows <= Tallest.
template <int Tallest, class Function>
inline void with_height(int rows, Function function) {
  if (rows == Tallest) {
    function.template operator()<Tallest>();
  } else if constexpr (Tallest > 1) {
    with_height<Tallest - 1>(rows, function);
  }
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
