#include "pages.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <cerrno>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace dragoman {

#if defined(_WIN32)

size_t page_bytes() {
  static const size_t bytes = [] {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return static_cast<size_t>(info.dwPageSize);
  }();
  return bytes;
}

std::byte* take_pages(size_t bytes) {
  void* address = VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  if (address == nullptr) errno = ENOMEM;
  return static_cast<std::byte*>(address);
}

void give_back_pages(std::byte* data, size_t) { VirtualFree(data, 0, MEM_RELEASE); }

bool keep_pages(std::byte* data, size_t kept, size_t bytes) {
  // The rest keeps its addresses, which cost nothing, and loses its memory.
  if (kept < bytes) VirtualFree(data + kept, bytes - kept, MEM_DECOMMIT);
  DWORD before = 0;
  return VirtualProtect(data, kept, PAGE_READONLY, &before) != 0;
}

#else

size_t page_bytes() {
  static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

std::byte* take_pages(size_t bytes) {
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return address == MAP_FAILED ? nullptr : static_cast<std::byte*>(address);
}

void give_back_pages(std::byte* data, size_t bytes) { munmap(data, bytes); }

bool keep_pages(std::byte* data, size_t kept, size_t bytes) {
  if (kept < bytes) munmap(data + kept, bytes - kept);
  return mprotect(data, kept, PROT_READ) == 0;
}

#endif

}  // namespace dragoman
