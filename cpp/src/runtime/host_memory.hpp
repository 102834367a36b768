// Device memory as host functions need it: mapped where it is, or copied.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/host/tensor.hpp"
#include "runtime/block_pool.hpp"
#include "runtime/value.hpp"
#include "stream/stream.hpp"

namespace tensorvk::runtime {

//! The memory of exactly the value's bytes; none when it is empty. Throws InvalidPlan where it has less.
[[nodiscard]] Slice slice_of(const Value& value);

class HostMemory {
  public:
    HostMemory(std::shared_ptr<vulkan::Device> device, std::shared_ptr<BlockPool> pool) : device_(std::move(device)), pool_(std::move(pool)) {}

    //! A view of the value's bytes, which stay where they are if the host can read them there. All earlier work of the stream has to be done.
    [[nodiscard]] kernels::host::Tensor read(const Value& value, stream::Stream& stream);
    //! Writes a tensor's bytes to device memory of the same size.
    void write(const kernels::host::Tensor& tensor, const Slice& target, stream::Stream& stream);
    //! Copies between buffers of the device.
    void copy(const Slice& source, const Slice& target, stream::Stream& stream);
    //! Lets go of what read() copied; tensors that it returned must be gone.
    void release() { staged_.clear(); }

  private:
    std::shared_ptr<vulkan::Device> device_;
    std::shared_ptr<BlockPool> pool_;
    std::vector<Slice> staged_;
};

} // namespace tensorvk::runtime
