#include "api/runtime_state.hpp"
#include "vulkan/device.hpp"

namespace tensorvk {

using api::guarded;

ICudaEngine* api::RuntimeAccess::deserialize(IRuntime& runtime, runtime::PlanBytes plan) {
    const std::shared_ptr<Reporter>& reporter = runtime.reporter_;
    return guarded(*reporter, static_cast<ICudaEngine*>(nullptr), [&] {
        if (plan.bytes.empty()) {
            throw InvalidPlan(
                "The plan is empty: give the bytes that build_serialized_network or ICudaEngine.serialize returned.");
        }
        auto engine = runtime::Engine::load(vulkan::Device::current(), std::move(plan), *reporter);
        return new ICudaEngine(std::make_shared<EngineState>(std::move(engine), Reporter::child_of(reporter)));
    });
}

IRuntime::IRuntime(std::shared_ptr<ILogger> logger) : reporter_(std::make_shared<api::Reporter>(std::move(logger))) {
}

ICudaEngine* IRuntime::deserializeCudaEngine(const void* plan, std::size_t bytes, void* pluginFactory) {
    return guarded(*reporter_, static_cast<ICudaEngine*>(nullptr), [&] {
        if (pluginFactory != nullptr) {
            throw Unsupported("Plugin factories are TensorRT 7's and are not offered; pass null.");
        }
        const std::span given(static_cast<const std::byte*>(plan), plan == nullptr ? 0 : bytes);
        return api::RuntimeAccess::deserialize(*this, runtime::PlanBytes::copy_of(given));
    });
}

bool IRuntime::setMaxThreads(int32_t threads) {
    return api::succeeds(*reporter_, [&] {
        if (threads < 1) {
            throw InvalidArgument(text("The number of threads was ", threads, "; it must be 1 or more."));
        }
        max_threads_ = threads;
    });
}

void IRuntime::setErrorRecorder(IErrorRecorder* recorder) {
    reporter_->set_recorder(api::unowned(recorder));
}
IErrorRecorder* IRuntime::getErrorRecorder() const {
    return reporter_->recorder().get();
}
ILogger* IRuntime::getLogger() const {
    return reporter_->logger().get();
}

IRuntime* createInferRuntime(ILogger& logger) {
    return new IRuntime(api::unowned(&logger));
}

} // namespace tensorvk
