// Pages of memory, straight from the system: zero, on page boundaries, given back at once.
#pragma once

#include <cstddef>

namespace dragoman {

// Bytes of a page.
size_t page_bytes();
// Writable pages for `bytes`; null, with errno set, if there is no memory.
std::byte* take_pages(size_t bytes);
// All of what `take_pages` gave.
void give_back_pages(std::byte* data, size_t bytes);
// Keeps the first `kept` bytes (whole pages) of `bytes`, read-only from now on; the rest is given back.
bool keep_pages(std::byte* data, size_t kept, size_t bytes);

}  // namespace dragoman
