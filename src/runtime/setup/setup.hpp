// Before the first token: every device opens the model, and all agree that it can be used, that it
// is the same one, on which kernels (agreement.hpp), and on the prompts' ids, before any other
// communication. Errors end cleanly everywhere.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/transport.hpp"
#include "model/decoder/execute.hpp"
#include "model/decoder/hyperparameters.hpp"
#include "model/gguf/gguf.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "runtime/messages/resume_point.hpp"
#include "runtime/setup/run.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::runtime {

struct Setup {
    std::shared_ptr<const model::GgufFile> file; ///< given up after loading
    model::Hyperparameters model;
    std::unique_ptr<model::Tokenizer> tokenizer; ///< rank 0 only
    std::string model_hash;                      ///< rank 0 only
    kernels::Level level = kernels::Level::reference;
    std::string kernels_note; ///< rank 0 only; empty if no device held others back
    std::vector<std::vector<std::int32_t>>
        prompts; ///< the different ones; at least one, none empty
    std::int32_t end_of_text = -1;
    scheduler::TurnSizes turn_sizes;   ///< see requests.hpp
    std::optional<ResumePoint> resume; ///< where a run that was broken off goes on

    [[nodiscard]] const ResumePoint* resume_point() const { return resume ? &*resume : nullptr; }
    /// Of a device that holds any block.
    [[nodiscard]] Bytes buffers(const scheduler::Blocks& blocks) const {
        return scheduler::buffer_bytes(blocks.shape(), turn_sizes, blocks.cut());
    }
};

struct Agreement {
    std::optional<Setup> setup; ///< nothing: the run cannot begin, and every device knows
    int exit_code = 0;
    std::string message; ///< on rank 0
};

[[nodiscard]] Agreement agree(const RunOptions& options, comm::Transport& transport);

} // namespace headroom::runtime
