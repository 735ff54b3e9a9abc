// The GIL is released while this lives. Unlike nanobind's own guard it survives the end of the interpreter, which ends
// threads that want the GIL by unwinding them: through our frames, where that would terminate the process. Such a
// thread waits here until the process is gone.
#pragma once

#include <Python.h>

#include <chrono>
#include <thread>

namespace dragoman {

class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() { restore(); }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

  // Runs handlers of signals that came meanwhile; of the main thread only. Whether one raised an exception, which is
  // then set.
  bool interrupted() {
    restore();
    bool raised = PyErr_CheckSignals() != 0;
    state_ = PyEval_SaveThread();
    return raised;
  }

 private:
  void restore() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {
      while (true) std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }

  PyThreadState* state_;
};

}  // namespace dragoman
