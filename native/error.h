// The one exception of the native code. `code` names the kind of failure; bindings turn it into a Python exception.
#pragma once

#include <stdexcept>
#include <string>

namespace dragoman {

class Error : public std::runtime_error {
 public:
  enum class Code {
    kInvalid,      // arguments, a plan or a table that contradict themselves
    kUnavailable,  // this machine cannot do what was asked
    kCapacity,     // a workspace or limit is too small
    kStopped,      // the stop flag was raised
  };

  Error(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

}  // namespace dragoman
