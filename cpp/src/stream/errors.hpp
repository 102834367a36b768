// Failures that have a CUDA error code of their own.
#pragma once

#include <string>

#include "support/error.hpp"

namespace tensorvk::stream {

//! A stream or event handle that is none, or none any more.
class InvalidHandle : public InvalidArgument {
  public:
    using InvalidArgument::InvalidArgument;
};

//! The device has not got there yet; ask again later.
class NotReady : public InvalidState {
  public:
    using InvalidState::InvalidState;
};

//! Called from a place where waiting would never end.
class NotPermitted : public InvalidState {
  public:
    using InvalidState::InvalidState;
};

//! A device number that is none.
class InvalidDevice : public InvalidArgument {
  public:
    using InvalidArgument::InvalidArgument;
};

//! Host memory that is known already.
class OverlappingRegistration : public InvalidArgument {
  public:
    using InvalidArgument::InvalidArgument;
};

//! The two ends of a copy contradict its kind.
class InvalidCopyKind : public InvalidArgument {
  public:
    using InvalidArgument::InvalidArgument;
};

} // namespace tensorvk::stream
