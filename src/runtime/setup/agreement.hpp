// The first thing that devices do together: what each found alone goes to rank 0, which tells all
// of them whether they can work as one: the same scenario everywhere, the same model contents, and
// kernels that give the same bits.
#pragma once

#include <memory>
#include <string>

#include "comm/transport.hpp"
#include "model/gguf/gguf.hpp"
#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// What a device found when it opened its model. Not usable: an exit code and why.
struct OpenedModel {
    std::shared_ptr<const model::GgufFile> file;
    int exit_code = 0;
    std::string problem;
};

struct Common {
    int exit_code = 0; ///< the same on all devices
    kernels::Level level = kernels::Level::reference;
    // Rank 0 only.
    std::string message;
    std::string kernels_note; ///< who held the others back; empty if nobody did
    std::string model_hash;
};

/// All devices come here. All problems of all devices are in the message, devices with the same
/// one together.
[[nodiscard]] Common agree_on_common(
    const RunOptions& options, const OpenedModel& model, comm::Transport& transport
);

} // namespace headroom::runtime
