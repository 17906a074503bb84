// Makes the ranks agree when a run begins. Each rank reports to rank 0 which scenario, model file
// and kernels it has. Rank 0 compares the reports and sends the result to all ranks. The run can
// begin if all have the same scenario and model contents, and kernels that give the same bits.
#pragma once

#include <memory>
#include <string>

#include "comm/transport.hpp"
#include "model/gguf/gguf.hpp"
#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// The result of opening the model file on one rank.
struct OpenedModel {
    std::shared_ptr<const model::GgufFile> file;
    int exit_code = 0;   ///< not 0: the file cannot be used
    std::string problem; ///< the reason if exit_code is not 0
};

/// What all ranks agreed on, or why the run cannot begin.
struct ModelAgreement {
    int exit_code = 0; ///< the same on all ranks; not 0: the run cannot begin
    kernels::Level level = kernels::Level::reference;
    // Rank 0 only.
    std::string message;      ///< the problems of all ranks if exit_code is not 0
    std::string kernels_note; ///< which devices keep others from faster kernels; or empty
    std::string model_hash;
};

/// Compares scenario, model and kernels of all ranks. Each rank must call this function.
[[nodiscard]] ModelAgreement agree_on_model(
    const RunOptions& options, const OpenedModel& model, comm::Transport& transport
);

} // namespace headroom::runtime
