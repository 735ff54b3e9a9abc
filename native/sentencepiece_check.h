// Untrusted SentencePiece models: what must hold before the sentencepiece library may touch one. The library walks the
// character map, a double-array trie inside the model, without looking at its bounds.
//
// Format: sentencepiece_model.proto (ModelProto: 1 pieces, 3 normalizer_spec, 5 denormalizer_spec; SentencePiece: 1
// piece; NormalizerSpec: 2 precompiled_charsmap) and the darts-clone unit layout.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dragoman {

struct SentencePieceCheck {
  const char* problem = nullptr;  // null: the model is sound
  size_t offset = 0;              // byte of the model where the problem is
  int64_t pieces = 0;
};

SentencePieceCheck check_sentencepiece(const uint8_t* data, size_t size);

}  // namespace dragoman
