// Preloaded into a Python process: counts every heap allocation.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

static _Atomic long count;
long allocation_count(void) { return count; }

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) { ++count; return __libc_malloc(size); }
void* calloc(size_t number, size_t size) { ++count; return __libc_calloc(number, size); }
void* realloc(void* old, size_t size) { ++count; return __libc_realloc(old, size); }
void* memalign(size_t alignment, size_t size) { ++count; return __libc_memalign(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) { ++count; return __libc_memalign(alignment, size); }
int posix_memalign(void** result, size_t alignment, size_t size) {
  ++count;
  *result = __libc_memalign(alignment, size);
  return *result == NULL ? 12 : 0;
}
