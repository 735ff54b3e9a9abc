// One region of memory for a model's weights: a file of ours mapped read-only, or private pages.
//
// A file that shrinks under its map must not kill the process. So a handler for SIGBUS, installed with the first map,
// looks whether the address lies in one of our maps; if so it puts pages of zeros there, marks the map as damaged and
// lets the thread go on. Whoever ran on the map asks `damaged` afterwards. Other SIGBUS go to the handler before ours.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace dragoman {

struct MapEntry;

class Region {
 public:
  // Maps the whole of an open regular file, shared and read-only. The descriptor may be closed afterwards. `path` is
  // looked at again in `damaged`. Returns null, with errno set, if the system refuses.
  static std::unique_ptr<Region> map(int descriptor, const std::string& path);
  // Private pages, zero and writable until `seal`. Null, with errno set, if there is no memory.
  static std::unique_ptr<Region> anonymous(size_t bytes);

  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  bool file_backed() const { return entry_ != nullptr; }
  bool writable() const { return writable_; }

  // Private pages only: gives back all pages from `bytes` on, and makes the rest read-only.
  bool seal(size_t bytes);

  // Whether the mapped file was cut short or written to since it was mapped. Costs about a microsecond. The last page
  // must be one that nothing else needs: it is touched here, so that a file is missed by no page of weights alone.
  bool damaged() const;

 private:
  Region() = default;

  std::byte* data_ = nullptr;
  size_t size_ = 0;
  bool writable_ = false;
  MapEntry* entry_ = nullptr;  // in the handler's table
  std::string path_;
  uint64_t device_ = 0, inode_ = 0;
  int64_t modified_s_ = 0, modified_ns_ = 0;
};

}  // namespace dragoman
