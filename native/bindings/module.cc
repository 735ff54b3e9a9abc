// The module dragoman._native: check, release the GIL, call, translate errors. Nothing is computed here.
#include "error.h"
#include "bindings.h"

namespace nb = nanobind;

namespace {

// dragoman.errors is imported when the first error is raised, not at import.
const char* exception_name(dragoman::Error::Code code) {
  switch (code) {
    case dragoman::Error::Code::kCapacity:
      return "WorkspaceError";
    case dragoman::Error::Code::kUnavailable:
      return "UnavailableError";
    default:
      return "NativeError";
  }
}

}  // namespace

NB_MODULE(_native, m) {
  // Plans live as long as the process: what remains at its end is no leak.
  nb::set_leak_warnings(false);
  m.doc() = "The inner loop of dragoman: kernels, the interpreter of a plan, search.";
  nb::register_exception_translator([](const std::exception_ptr& pointer, void*) {
    try {
      std::rethrow_exception(pointer);
    } catch (const dragoman::Error& error) {
      nb::object type = nb::module_::import_("dragoman.errors").attr(exception_name(error.code()));
      PyErr_SetString(type.ptr(), error.what());
    }
  });
  bind_kernels(m);
  bind_plan(m);
  bind_weights(m);
  bind_search(m);
  bind_mapped_file(m);
}
