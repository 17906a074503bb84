// Sets up a run before the first token. Every device opens the model. The devices check that their
// models are the same and agree on the kernels (agreement.hpp). Then rank 0 sends the token ids of
// the prompts to all devices. If one device finds an error, all return the error's exit code.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/transport.hpp"
#include "model/architectures/hyperparameters.hpp"
#include "model/gguf/gguf.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "runtime/messages/resume_point.hpp"
#include "runtime/setup/run.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::runtime {

struct Setup {
    std::shared_ptr<const model::GgufFile> file; ///< null after the weights are loaded
    model::Hyperparameters model;
    std::unique_ptr<model::Tokenizer> tokenizer; ///< rank 0 only
    std::string model_hash;                      ///< rank 0 only
    kernels::Level level = kernels::Level::reference;
    std::string kernels_note; ///< rank 0 only; see ModelAgreement (agreement.hpp)
    std::vector<std::vector<std::int32_t>> prompts; ///< the distinct prompts; none is empty
    std::int32_t end_of_text = -1;     ///< id of the token that ends a text; -1: none does
    scheduler::TurnSizes turn_sizes;   ///< sizes that determine the buffers
    std::optional<ResumePoint> resume; ///< the state from which a resumed run continues

    [[nodiscard]] const ResumePoint* resume_point() const { return resume ? &*resume : nullptr; }
    /// Returns the bytes of the buffers on a device that holds a block.
    [[nodiscard]] Bytes buffers(const scheduler::Blocks& blocks) const {
        return scheduler::buffer_bytes(blocks.shape(), turn_sizes, blocks.cut());
    }
};

struct Agreement {
    std::optional<Setup> setup; ///< nothing: the run cannot begin
    int exit_code = 0;          ///< the same on all devices
    std::string message;        ///< rank 0 only: why the run cannot begin
};

/// Every device of the run must call this function.
[[nodiscard]] Agreement agree_on_setup(const RunOptions& options, comm::Transport& transport);

} // namespace headroom::runtime
