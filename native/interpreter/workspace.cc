#include "interpreter/workspace.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "error.h"
#include "pages.h"

namespace dragoman {
namespace {

constexpr size_t kPage = 4096;

std::byte* map(size_t bytes) {
  std::byte* data = take_pages(bytes);
  if (data == nullptr) {
    throw Error(Error::Code::kCapacity, "workspace: the system gives no " + std::to_string(bytes) + " bytes");
  }
  return data;
}

}  // namespace

Workspace::Workspace(size_t bytes, size_t limit) : limit_(limit) { reserve(std::max(bytes, kPage)); }

Workspace::~Workspace() {
  if (data_ != nullptr) give_back_pages(data_, size_);
}

void Workspace::reserve(size_t bytes) {
  if (bytes > size_) {
    if (bytes > limit_) {
      throw Error(Error::Code::kCapacity, "workspace: a batch needs " + std::to_string(bytes) +
                                              " bytes, the limit is " + std::to_string(limit_) +
                                              "; raise the limit or send shorter texts or a smaller beam");
    }
    size_t grown = (bytes + kPage - 1) / kPage * kPage;
    std::byte* fresh = map(grown);
    if (data_ != nullptr) give_back_pages(data_, size_);
    data_ = fresh;
    size_ = grown;
  }
  high_water_ = std::max(high_water_, bytes);
}

void Workspace::poison() { std::memset(data_, 0xff, size_); }

}  // namespace dragoman
