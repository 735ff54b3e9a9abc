#include "sentencepiece_check.h"

#include <cstring>

namespace dragoman {
namespace {

constexpr uint64_t kPieces = 1, kNormalizer = 3, kDenormalizer = 5, kPieceText = 1, kCharacterMap = 2;
constexpr int64_t kMostPieces = int64_t{1} << 20;

// Bytes that nothing can leave. The first problem stays.
struct Reader {
  const uint8_t* start;  // of the model, for offsets
  const uint8_t* at;
  const uint8_t* end;
  SentencePieceCheck* result;

  size_t remaining() const { return static_cast<size_t>(end - at); }
  bool fail(const char* problem) {
    if (result->problem == nullptr) {
      result->problem = problem;
      result->offset = static_cast<size_t>(at - start);
    }
    return false;
  }
  bool varint(uint64_t* value) {
    *value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (at == end) return fail("a field leaves the file");
      const uint8_t byte = *at++;
      if (shift == 63 && byte > 1) return fail("a number has more than 64 bits");
      *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return fail("a number has more than 64 bits");
  }
  bool skip(size_t bytes) {
    if (bytes > remaining()) return fail("a field leaves the file");
    at += bytes;
    return true;
  }
};

bool is_utf8(const uint8_t* at, const uint8_t* end) {
  while (at < end) {
    const uint8_t lead = *at++;
    if (lead < 0x80) continue;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || end - at < more) return false;
    const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[0] < low || at[0] > high) return false;
    for (int number = 1; number < more; ++number) {
      if ((at[number] & 0xc0) != 0x80) return false;
    }
    at += more;
  }
  return true;
}

// uint32 trie bytes | trie units, uint32 | replacement texts, NUL-terminated: no step may leave either part.
bool check_map(Reader map) {
  uint32_t trie_bytes = 0;
  if (map.remaining() < 4) return map.fail("the character map is too short");
  std::memcpy(&trie_bytes, map.at, 4);
  map.at += 4;
  if (trie_bytes % 4 != 0 || trie_bytes == 0 || trie_bytes > map.remaining()) {
    return map.fail("the character map has an impossible trie");
  }
  const uint8_t* units = map.at;
  const size_t count = trie_bytes / 4, text_bytes = map.remaining() - trie_bytes;
  if (text_bytes == 0 || map.end[-1] != 0) return map.fail("the character map's texts do not end");
  for (size_t number = 0; number < count; ++number) {
    uint32_t unit;
    std::memcpy(&unit, units + 4 * number, 4);
    if (unit >> 31) {
      if ((unit & 0x7fffffffu) >= text_bytes) return map.fail("the character map's trie leads out of its texts");
      continue;
    }
    // A step goes from unit i to (i ^ offset) ^ byte: the whole block of 256 around it must exist.
    const uint64_t shift = unit & (1u << 9) ? 8 : 0;
    const uint64_t offset = (static_cast<uint64_t>(unit >> 10) << shift) & ((uint64_t{1} << 30) - 1);
    if (((number ^ offset) | 0xff) >= count) return map.fail("the character map's trie leads out of itself");
  }
  return true;
}

// Calls visit(number, contents) for each field of bytes.
template <class Visit>
bool each_field(Reader reader, Visit visit) {
  while (reader.remaining() > 0) {
    uint64_t tag, length;
    if (!reader.varint(&tag)) return false;
    switch (tag & 7) {
      case 0:
        if (!reader.varint(&length)) return false;
        break;
      case 1:
        if (!reader.skip(8)) return false;
        break;
      case 5:
        if (!reader.skip(4)) return false;
        break;
      case 2: {
        if (!reader.varint(&length)) return false;
        if (length > reader.remaining()) return reader.fail("a field leaves the file");
        Reader body = reader;
        body.end = body.at + length;
        reader.at = body.end;
        if (!visit(tag >> 3, body)) return false;
        break;
      }
      default:
        return reader.fail("this is not a SentencePiece model");
    }
  }
  return true;
}

}  // namespace

SentencePieceCheck check_sentencepiece(const uint8_t* data, size_t size) {
  SentencePieceCheck result;
  const bool sound = each_field(Reader{data, data, data + size, &result}, [&](uint64_t number, Reader body) {
    if (number == kPieces) {
      ++result.pieces;
      return each_field(body, [](uint64_t inner, Reader text) {
        return inner != kPieceText || is_utf8(text.at, text.end) || text.fail("a piece is not text");
      });
    }
    if (number != kNormalizer && number != kDenormalizer) return true;
    return each_field(body, [](uint64_t inner, Reader map) {
      return inner != kCharacterMap || map.remaining() == 0 || check_map(map);
    });
  });
  if (sound && (result.pieces < 1 || result.pieces > kMostPieces)) result.problem = "this is not a SentencePiece model";
  return result;
}

}  // namespace dragoman
