#if !defined(_WIN32)  // there: mapped_file_windows.cc

#include "weights/mapped_file.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "pages.h"

namespace dragoman {

// One map, as the signal handler sees it. Entries are used again and never freed.
struct MapEntry {
  std::atomic<uintptr_t> begin{0}, end{0};  // begin is 0: not in use
  std::atomic<bool> damaged{false};
  MapEntry* next = nullptr;
};

namespace {

#ifndef MAP_POPULATE
#define MAP_POPULATE 0
#endif
#ifndef SI_TKILL
#define SI_TKILL SI_USER
#endif

#ifdef __APPLE__
const timespec& modified(const struct stat& status) { return status.st_mtimespec; }
#else
const timespec& modified(const struct stat& status) { return status.st_mtim; }
#endif

static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<MapEntry*>::is_always_lock_free);

std::mutex table_mutex;  // for whoever adds or takes entries; the handler only reads
std::atomic<MapEntry*> table{nullptr};
struct sigaction before_ours;  // written before the handler is installed
std::atomic<bool> swallowed{false};

uintptr_t page_size_in_handler = 4096;

void pass_on(int number, siginfo_t* info, void* context) {
  if (before_ours.sa_flags & SA_SIGINFO) {
    if (before_ours.sa_sigaction != nullptr) return before_ours.sa_sigaction(number, info, context);
  } else if (before_ours.sa_handler != SIG_DFL && before_ours.sa_handler != SIG_IGN) {
    return before_ours.sa_handler(number);
  }
  // The default: let it happen. A faulting instruction faults again; a signal that was sent must be sent again.
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  sigaction(number, &standard, nullptr);
  if (info->si_code <= 0) raise(number);
}

// Only what is safe in a handler: atomics, and mmap, which is a bare system call.
void on_bus_error(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  if (info->si_code > 0) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
    for (MapEntry* entry = table.load(std::memory_order_acquire); entry != nullptr; entry = entry->next) {
      const uintptr_t begin = entry->begin.load(std::memory_order_acquire), end = entry->end.load();
      if (begin == 0 || address < begin || address >= end) continue;
      const uintptr_t from = address & ~(page_size_in_handler - 1);
      void* zeros =
          mmap(reinterpret_cast<void*>(from), end - from, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      if (zeros == MAP_FAILED) break;
      entry->damaged.store(true);
      swallowed.store(false);
      errno = saved;
      return;
    }
  } else if (info->si_code == SI_TKILL && info->si_pid == getpid() && !swallowed.exchange(true)) {
    // Raised by a handler above ours that does not know our maps, such as faulthandler's, and has stepped aside: if
    // the address was ours, the instruction faults again, and now for us. If not, it comes back and is passed on.
    errno = saved;
    return;
  }
  errno = saved;
  pass_on(number, info, context);
}

// With the mutex held. Whoever replaces our handler passes on to us what is not theirs, or resets it to the default.
void install_handler() {
  struct sigaction current = {};
  static bool installed = false;
  page_size_in_handler = page_bytes();
  if (sigaction(SIGBUS, nullptr, &current) != 0) return;
  const bool is_default = !(current.sa_flags & SA_SIGINFO) && current.sa_handler == SIG_DFL;
  if (installed && !is_default) return;
  before_ours = current;
  struct sigaction ours = {};
  ours.sa_sigaction = &on_bus_error;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&ours.sa_mask);
  installed = sigaction(SIGBUS, &ours, nullptr) == 0;
}

MapEntry* enter(const std::byte* data, size_t size) {
  const std::lock_guard<std::mutex> guard(table_mutex);
  install_handler();
  MapEntry* entry = table.load();
  while (entry != nullptr && entry->begin.load() != 0) entry = entry->next;
  if (entry == nullptr) {
    entry = new MapEntry;
    entry->next = table.load();
    table.store(entry, std::memory_order_release);
  }
  entry->damaged.store(false);
  entry->end.store(reinterpret_cast<uintptr_t>(data) + size);
  entry->begin.store(reinterpret_cast<uintptr_t>(data), std::memory_order_release);
  return entry;
}

}  // namespace

std::unique_ptr<Region> Region::map(int descriptor, const std::string& path) {
  struct stat status = {};
  if (fstat(descriptor, &status) != 0) return nullptr;
  if (!S_ISREG(status.st_mode) || status.st_size <= 0) {
    errno = EINVAL;
    return nullptr;
  }
  std::unique_ptr<Region> region(new Region);
  const size_t size = static_cast<size_t>(status.st_size);
  // All pages at once: a fault for every few pages would cost more than the checksum.
  void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0);
  if (address == MAP_FAILED) return nullptr;
  region->data_ = static_cast<std::byte*>(address);
  region->size_ = size;
  region->path_ = path;
  region->device_ = status.st_dev;
  region->inode_ = status.st_ino;
  region->modified_s_ = modified(status).tv_sec;
  region->modified_ns_ = modified(status).tv_nsec;
  const size_t page = page_bytes();
  region->entry_ = enter(region->data_, (size + page - 1) / page * page);
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
  if (entry_ != nullptr) entry_->begin.store(0);
  munmap(data_, size_);
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
  static_cast<void>(*static_cast<const volatile std::byte*>(data_ + size_ - 1));
  if (entry_->damaged.load()) return true;
  struct stat status = {};
  if (stat(path_.c_str(), &status) != 0 || status.st_dev != device_ || status.st_ino != inode_) {
    return false;  // removed or replaced by rename: nobody can reach our file any more
  }
  return static_cast<size_t>(status.st_size) != size_ || modified(status).tv_sec != modified_s_ ||
         modified(status).tv_nsec != modified_ns_;
}

}  // namespace dragoman

#endif
