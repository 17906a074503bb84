#include "runtime/setup/agreement.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/gguf/content_hash.hpp"
#include "model/gguf/read_through.hpp"
#include "runtime/messages/wire.hpp"
#include "runtime/setup/kernel_agreement.hpp"
#include "runtime/setup/model_copies.hpp"
#include "runtime/setup/places.hpp"

namespace headroom::runtime {

namespace {

constexpr comm::Waiting kWaitingForFindings{"the set-up", -1, -1, -1};
constexpr comm::Waiting kHashing{"the hash of a model file", -1, -1, -1};

struct Finding {
    std::int32_t exit_code = 0;
    std::string problem;
    std::uint64_t scenario_hash = 0;
    KernelOffer kernels;
    ModelCopy copy;
};

/// Rank 0 to a device: hash your file first, or how it ended.
struct FindingAnswer {
    bool hash_first = false;
    std::int32_t exit_code = 0;
    kernels::Level level = kernels::Level::reference;
};

std::vector<std::byte> pack(const Finding& finding) {
    return ByteWriter()
        .put(finding.exit_code)
        .put_text(finding.problem)
        .put(finding.scenario_hash)
        .put(finding.kernels.level)
        .put(finding.kernels.told)
        .put(finding.kernels.own)
        .put_text(finding.kernels.openblas_core)
        .put_text(finding.copy.path)
        .put_text(finding.copy.machine)
        .put(finding.copy.volume)
        .put(finding.copy.file)
        .put(finding.copy.bytes)
        .take();
}

Finding unpack_finding(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    Finding finding;
    finding.exit_code = reader.get<std::int32_t>();
    finding.problem = reader.get_text();
    finding.scenario_hash = reader.get<std::uint64_t>();
    finding.kernels.level = reader.get<kernels::Level>();
    finding.kernels.told = reader.get<bool>();
    finding.kernels.own = reader.get<kernels::Level>();
    finding.kernels.openblas_core = reader.get_text();
    finding.copy.path = reader.get_text();
    finding.copy.machine = reader.get_text();
    finding.copy.volume = reader.get<std::uint64_t>();
    finding.copy.file = reader.get<std::uint64_t>();
    finding.copy.bytes = reader.get<std::uint64_t>();
    return finding;
}

Finding look(const RunOptions& options, const OpenedModel& model) {
    Finding finding;
    finding.exit_code = model.exit_code;
    finding.problem = model.problem;
    if (!options.problem.empty()) {
        finding.exit_code = static_cast<std::int32_t>(ExitCode::bad_input);
        finding.problem = options.problem;
    }
    finding.scenario_hash =
        options.scenario_hash ? *options.scenario_hash : hash_of(*options.scenario);
    finding.kernels = offer_of(options.level, options.level_told);
    if (finding.exit_code == 0) {
        try {
            finding.copy = copy_at(options.scenario->model_file);
        } catch (const Error& error) {
            finding.exit_code = static_cast<std::int32_t>(error.code());
            finding.problem = error.what();
        }
    }
    return finding;
}

/// Devices with the same problem together; where it is, unless it is the same everywhere.
std::string problems_text(
    const std::vector<Finding>& findings, std::span<const std::string> hosts
) {
    std::vector<std::string> problems; // in the order of the first device that has it
    for (const Finding& finding : findings) {
        if (finding.exit_code != 0 &&
            std::find(problems.begin(), problems.end(), finding.problem) == problems.end()) {
            problems.push_back(finding.problem);
        }
    }
    std::string text;
    bool some_are_fine = false;
    for (const std::string& problem : problems) {
        DeviceList devices;
        for (std::size_t d = 0; d < findings.size(); ++d) {
            if (findings[d].exit_code == 0) {
                some_are_fine = true;
            } else if (findings[d].problem == problem) {
                devices.push_back(d);
            }
        }
        text += text.empty() ? "" : "\n";
        if (devices.size() < findings.size()) {
            text += fmt::format("on {}: ", places_text(hosts, devices));
        }
        text += problem;
    }
    if (some_are_fine) {
        text += "\n  every host needs its own copy of the model at the same path, and must run "
                "the kernels that were asked for";
    }
    return text;
}

/// Devices with another scenario than rank 0's, in words; or "".
std::string scenario_difference(
    const std::vector<Finding>& findings, std::span<const std::string> hosts
) {
    DeviceList others;
    for (std::size_t d = 0; d < findings.size(); ++d) {
        if (findings[d].scenario_hash != findings.front().scenario_hash) {
            others.push_back(d);
        }
    }
    return others.empty()
               ? ""
               : fmt::format(
                     "{} would run another scenario than device 0: give all devices the same one",
                     places_text(hosts, others)
                 );
}

void refuse(Common& common, std::string why) {
    common.exit_code = static_cast<int>(ExitCode::bad_input);
    common.message = std::move(why);
}

/// Rank 0, from what it has heard: can they work together, and on which kernels?
Common judge(const std::vector<Finding>& findings, std::span<const std::string> hosts) {
    Common common;
    const auto failed = std::find_if(findings.begin(), findings.end(), [](const Finding& f) {
        return f.exit_code != 0;
    });
    if (failed != findings.end()) {
        common.exit_code = failed->exit_code;
        common.message = problems_text(findings, hosts);
        return common;
    }
    if (std::string difference = scenario_difference(findings, hosts); !difference.empty()) {
        refuse(common, std::move(difference));
        return common;
    }
    std::vector<KernelOffer> offers;
    for (const Finding& finding : findings) {
        offers.push_back(finding.kernels);
    }
    KernelChoice choice = choose_kernels(offers, hosts);
    common.level = choice.level;
    common.kernels_note = std::move(choice.note);
    if (!choice.problem.empty()) {
        refuse(common, std::move(choice.problem));
    }
    return common;
}

void answer(comm::Transport& transport, std::size_t device, const FindingAnswer& answer) {
    transport.send(
        DeviceId(device),
        comm::Tag::setup,
        ByteWriter().put(answer.hash_first).put(answer.exit_code).put(answer.level).take(),
        kWaitingForFindings
    );
}

FindingAnswer hear_answer(comm::Transport& transport) {
    const auto bytes =
        transport.receive_any_size(DeviceId(0), comm::Tag::setup, kWaitingForFindings);
    ByteReader reader(bytes);
    FindingAnswer answer;
    answer.hash_first = reader.get<bool>();
    answer.exit_code = reader.get<std::int32_t>();
    answer.level = reader.get<kernels::Level>();
    return answer;
}

/// A large model on slow storage takes minutes: a signal is obeyed meanwhile.
model::WholeFile read_whole(const model::GgufFile& file, const comm::Transport& transport) {
    return model::read_through(file, [&transport] {
        const auto interrupted = transport.options().interrupted;
        const int code = interrupted == nullptr ? 0 : interrupted();
        if (code != 0) {
            throw InterruptedError(static_cast<ExitCode>(code));
        }
    });
}

/// Rank 0: hosts hash at the same time, each file once.
void compare_copies(
    const model::GgufFile& file,
    std::vector<ModelCopy> copies,
    std::span<const std::string> hosts,
    comm::Transport& transport,
    Common& common
) {
    const DeviceList who = hashers(copies); // device 0 is always the first of its file
    for (std::size_t i = 1; i < who.size(); ++i) {
        answer(transport, who[i], {true, 0, common.level});
    }
    model::WholeFile own = read_whole(file, transport);
    common.model_hash = copies.front().hash = std::move(own.hash);
    for (std::size_t i = 1; i < who.size(); ++i) {
        const auto bytes = transport.receive_any_size(DeviceId(who[i]), comm::Tag::setup, kHashing);
        copies[who[i]].hash = ByteReader(bytes).get_text();
    }
    if (std::string difference = difference_of_copies(copies, hosts); !difference.empty()) {
        refuse(common, std::move(difference));
    } else if (!own.problem.empty()) {
        refuse(common, std::move(own.problem)); // and so have all others
    }
}

Common lead(
    const RunOptions& options, const OpenedModel& model, Finding own, comm::Transport& transport
) {
    std::vector<Finding> findings{std::move(own)};
    std::vector<ModelCopy> copies{findings.front().copy};
    for (std::size_t d = 1; d < transport.size(); ++d) {
        findings.push_back(unpack_finding(
            transport.receive_any_size(DeviceId(d), comm::Tag::setup, kWaitingForFindings)
        ));
        copies.push_back(findings.back().copy);
    }
    Common common = judge(findings, options.hosts);
    if (common.exit_code == 0) {
        compare_copies(*model.file, std::move(copies), options.hosts, transport, common);
    }
    for (std::size_t d = 1; d < transport.size(); ++d) {
        answer(transport, d, {false, common.exit_code, common.level});
    }
    return common;
}

Common follow(const OpenedModel& model, const Finding& own, comm::Transport& transport) {
    transport.send(DeviceId(0), comm::Tag::setup, pack(own), kWaitingForFindings);
    FindingAnswer answer = hear_answer(transport);
    if (answer.hash_first) {
        transport.send(
            DeviceId(0),
            comm::Tag::setup,
            ByteWriter().put_text(read_whole(*model.file, transport).hash).take(),
            kHashing
        );
        answer = hear_answer(transport);
    }
    Common common;
    common.exit_code = answer.exit_code;
    common.level = answer.level;
    return common;
}

} // namespace

std::uint64_t hash_of(const config::Scenario& scenario) {
    const std::string text = config::resolved_text(scenario);
    return model::content_hash(std::as_bytes(std::span(text)));
}

Common agree_on_common(
    const RunOptions& options, const OpenedModel& model, comm::Transport& transport
) {
    Finding own = look(options, model);
    return transport.self() == DeviceId(0) ? lead(options, model, std::move(own), transport)
                                           : follow(model, own, transport);
}

} // namespace headroom::runtime
