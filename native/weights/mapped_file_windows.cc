// Regions on Windows. A file cannot be cut short while it is mapped there, so no page of a map can go away, and no
// handler is needed; that it was written to shows in its times.
#if defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <io.h>
#include <windows.h>

#include <cerrno>

#include "pages.h"
#include "weights/mapped_file.h"

namespace dragoman {

struct MapEntry {};

namespace {

MapEntry mapped;  // what a region of a file points to

struct Identity {
  uint64_t volume, file;
  int64_t written;
  size_t size;
};

bool identify(HANDLE handle, Identity* found) {
  BY_HANDLE_FILE_INFORMATION information;
  if (!GetFileInformationByHandle(handle, &information)) return false;
  const FILETIME& time = information.ftLastWriteTime;
  found->volume = information.dwVolumeSerialNumber;
  found->file = static_cast<uint64_t>(information.nFileIndexHigh) << 32 | information.nFileIndexLow;
  found->written = static_cast<int64_t>(static_cast<uint64_t>(time.dwHighDateTime) << 32 | time.dwLowDateTime);
  found->size = static_cast<size_t>(static_cast<uint64_t>(information.nFileSizeHigh) << 32 | information.nFileSizeLow);
  return true;
}

std::wstring wide(const std::string& path) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.data(), static_cast<int>(path.size()), nullptr, 0);
  std::wstring result(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.data(), static_cast<int>(path.size()), result.data(), length);
  return result;
}

}  // namespace

std::unique_ptr<Region> Region::map(int descriptor, const std::string& path) {
  const HANDLE file = reinterpret_cast<HANDLE>(_get_osfhandle(descriptor));
  Identity identity;
  errno = EINVAL;
  if (file == INVALID_HANDLE_VALUE || !identify(file, &identity) || identity.size == 0) return nullptr;
  const HANDLE mapping = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
  if (mapping == nullptr) return nullptr;
  void* address = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
  CloseHandle(mapping);  // the view keeps it
  errno = ENOMEM;
  if (address == nullptr) return nullptr;
  std::unique_ptr<Region> region(new Region);
  region->data_ = static_cast<std::byte*>(address);
  region->size_ = identity.size;
  region->path_ = path;
  region->device_ = identity.volume;
  region->inode_ = identity.file;
  region->modified_s_ = identity.written;
  region->entry_ = &mapped;
  return region;
}

std::unique_ptr<Region> Region::anonymous(size_t bytes) {
  std::byte* data = take_pages(bytes);
  if (data == nullptr) return nullptr;
  std::unique_ptr<Region> region(new Region);
  region->data_ = data;
  region->size_ = bytes;
  region->writable_ = true;
  return region;
}

Region::~Region() {
  if (data_ == nullptr) return;
  if (entry_ != nullptr) {
    UnmapViewOfFile(data_);
  } else {
    give_back_pages(data_, size_);
  }
}

bool Region::seal(size_t bytes) {
  if (!writable_ || bytes == 0 || bytes > size_) return false;
  const size_t page = page_bytes(), kept = (bytes + page - 1) / page * page, all = (size_ + page - 1) / page * page;
  size_ = bytes;
  writable_ = false;
  return keep_pages(data_, kept, all);
}

bool Region::damaged() const {
  if (entry_ == nullptr) return false;
  const DWORD shared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  const HANDLE file =
      CreateFileW(wide(path_).c_str(), FILE_READ_ATTRIBUTES, shared, nullptr, OPEN_EXISTING, 0, nullptr);
  if (file == INVALID_HANDLE_VALUE) return false;
  Identity now;
  const bool known = identify(file, &now);
  CloseHandle(file);
  if (!known || now.volume != device_ || now.file != inode_) return false;  // another file has its name
  return now.size != size_ || now.written != modified_s_;
}

}  // namespace dragoman

#endif
