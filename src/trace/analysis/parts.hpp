// The parts of a trace. A run that was broken off and resumed has several parts, each written by
// one execution of the program. The header tells the version, host and settings of each execution.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "trace/analysis/interrupts.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

/// The intervals of one part, and what is known about the program that wrote them and about its
/// settings. Unknown texts are empty.
struct RunPart {
    IntervalRange intervals;
    std::string version;
    std::string commit;
    std::string clock;
    std::string kernels; ///< name of the implementation of the arithmetic
    std::string transport;
    std::string host;
    std::string policy_version; ///< version of the policy that decided; never empty
};

/// The attribute with the version of the run's policy. Programs that did not write it had version 1
/// of every policy.
inline constexpr const char* kPolicyVersion = "policy_version";
inline constexpr const char* kFirstPolicyVersion = "1";

/// The attribute with the value of --policy, of a policy that came from a file. It is only for
/// readers: nothing ever loads code that a trace names.
inline constexpr const char* kPolicyFile = "policy_file";

/// A text member of RunPart. `attribute` is the header attribute that has this text for the first
/// part.
struct RunPartField {
    const char* attribute;
    std::string RunPart::*member;
    const char* otherwise = ""; ///< the text of a part that has no such attribute
};
inline constexpr std::array kRunPartFields{
    RunPartField{"program_version", &RunPart::version},
    RunPartField{"program_commit", &RunPart::commit},
    RunPartField{"clock", &RunPart::clock},
    RunPartField{"kernels", &RunPart::kernels},
    RunPartField{"transport", &RunPart::transport},
    RunPartField{"host", &RunPart::host},
    RunPartField{kPolicyVersion, &RunPart::policy_version, kFirstPolicyVersion},
};

/// Returns the parts in order, at least one. The header attributes of the first part have plain
/// names ("clock"). Those of part 2 are "part_2_clock", …. Only the host is "host_part_2", because
/// compare.hpp leaves out attributes whose names begin with "host_".
[[nodiscard]] std::vector<RunPart> run_parts(const Trace& trace);

/// Returns for each interval the version of the policy that decided.
[[nodiscard]] std::vector<std::string> policy_versions(const Trace& trace);

/// Adds the attributes of part `number` (2 or more) to the header of the trace. `by` is the header
/// made by the program that is about to write this part.
void record_run_part(RunHeader& header, std::size_t number, const RunHeader& by);

[[nodiscard]] bool is_later_part_attribute(std::string_view attribute);

} // namespace headroom::trace
