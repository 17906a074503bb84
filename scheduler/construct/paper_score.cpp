#include "scheduler/construct/paper_score.hpp"

#include <algorithm>
#include <limits>

#include "base/check.hpp"
#include "scheduler/core/paper_costs.hpp"
#include "scheduler/cost/block_cost.hpp"

namespace headroom::scheduler {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kComputeWeight = 0.4;
constexpr double kMemoryWeight = 0.3;
constexpr double kCommunicationWeight = 0.3;

/// Returns need / (capacity − used) if that is at most 1, and otherwise (used + need) / capacity,
/// which is above 1 even if nothing is free.
double share(double need, double used, double capacity) {
    if (need == 0) {
        return 0.0;
    }
    if (need <= capacity - used) {
        return need / (capacity - used);
    }
    return capacity > 0 ? (used + need) / capacity : kInfinite;
}

} // namespace

PaperDraft::PaperDraft(const Problem& problem)
    : blocks_(problem.blocks), ledger_(problem),
      load_(
          static_cast<std::size_t>(problem.blocks->shape().layers + 1) * problem.snapshot.size(), 0
      ) {}

std::size_t PaperDraft::slot(BlockId b, DeviceId d) const {
    return static_cast<std::size_t>(blocks_->name(b).layer + 1) * ledger_.devices() + d.index();
}

void PaperDraft::place(BlockId b, DeviceId d) {
    ledger_.place(b, d);
    load_[slot(b, d)] += ledger_.flops(b);
}

void PaperDraft::lift(BlockId b) {
    load_[slot(b, ledger_.where(b))] -= ledger_.flops(b);
    ledger_.remove(b);
}

Scores::Scores(const Problem& problem) : problem_(&problem) {
    double most_memory = 1.0;
    double most_compute = 1.0;
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        most_memory = std::max(most_memory, static_cast<double>(device.memory));
        most_compute = std::max(most_compute, static_cast<double>(device.compute));
    }
    for (std::size_t i = 0; i < problem.blocks->size(); ++i) {
        const BlockCost cost = cost_of(problem, BlockId(i));
        size_.push_back(
            static_cast<double>(cost.memory) / most_memory +
            static_cast<double>(cost.compute) / most_compute
        );
        output_.push_back(cost.output);
    }
}

std::vector<Scores::Input> Scores::inputs(const PaperDraft& draft, BlockId b) const {
    const Blocks& blocks = *problem_->blocks;
    const BlockName& name = blocks.name(b);
    const bool ends = blocks.shape().has_ends;
    const bool execution = problem_->cost_profile == CostProfile::physical;
    std::vector<Bytes> bytes(draft.ledger().devices(), 0);
    const auto from = [&](BlockId source) {
        const DeviceId d = draft.ledger().where(source);
        if (d.valid()) {
            bytes[d.index()] += output_[source.index()];
        }
    };
    const auto from_x = [&] { // the published formula does not count the transfer of x
        if (execution && name.layer == 0 && !ends) {
            bytes[problem_->source.index()] += output_[blocks.ffn(0).index()];
        } else if (execution) {
            from(name.layer == 0 ? blocks.embed() : blocks.ffn(name.layer - 1));
        }
    };
    switch (name.kind) {
    case BlockKind::embed:
        bytes[problem_->source.index()] += execution ? kTokenIdBytes : 0;
        break;
    case BlockKind::group:
        from_x();
        break;
    case BlockKind::proj:
        from_x();
        for (std::int32_t g = 0; g < blocks.groups(); ++g) {
            from(blocks.group(name.layer, g));
        }
        break;
    case BlockKind::ffn:
        from(blocks.proj(name.layer));
        break;
    case BlockKind::lm_head:
        if (execution) {
            from(blocks.ffn(blocks.shape().layers - 1));
        }
        break;
    case BlockKind::slice:
    case BlockKind::hub:
        HEADROOM_CHECK(false, "the published score knows no sliced layers");
    }
    std::vector<Input> sent;
    for (std::size_t d = 0; d < bytes.size(); ++d) {
        if (bytes[d] > 0) {
            sent.push_back({DeviceId(d), bytes[d]});
        }
    }
    return sent;
}

double Scores::transfer_s(Bytes bytes, DeviceId from, DeviceId to) const {
    if (bytes == 0 || from == to) {
        return 0.0;
    }
    const Snapshot::Link& link = problem_->snapshot.link(from, to);
    const bool execution = problem_->cost_profile == CostProfile::physical;
    const Nanoseconds latency = execution ? link.latency : 0;
    return seconds(bytes, link.bandwidth) +
           static_cast<double>(latency) / static_cast<double>(kSecond);
}

double Scores::communication_s(const std::vector<Input>& inputs, DeviceId d) const {
    double gathered = 0.0;
    for (const Input& input : inputs) {
        const double sent = transfer_s(input.bytes, input.from, d);
        gathered =
            problem_->paper.gather == PaperGather::sum ? gathered + sent : std::max(gathered, sent);
    }
    return gathered;
}

double Scores::migration_s(BlockId b, DeviceId d) const {
    if (!problem_->previous || (*problem_->previous)[b.index()] == d) {
        return 0.0;
    }
    const Blocks& blocks = *problem_->blocks;
    const DeviceId from = (*problem_->previous)[b.index()];
    if (problem_->cost_profile == CostProfile::paper) {
        return transfer_s(problem_->paper_moved_bytes(b), from, d);
    }
    const Bytes weights = blocks.matrix_bytes(b) + blocks.norm_bytes(b);
    const Bytes rows = blocks.cache_row_bytes(b, problem_->moved_rows());
    if (problem_->weights_everywhere) { // weights are read from storage during the transfer
        const double read = seconds(weights, problem_->snapshot.device(d).storage_bandwidth);
        return std::max(read, transfer_s(rows, from, d));
    }
    return transfer_s(weights + rows, from, d);
}

std::vector<double> Scores::of(const PaperDraft& draft, BlockId b) const {
    const Ledger& ledger = draft.ledger();
    const std::vector<Input> received = inputs(draft, b);
    const double budget_s = problem_->t_budget_s;
    const double tokens = static_cast<double>(problem_->steps());
    std::vector<double> scores;
    for (std::size_t i = 0; i < ledger.devices(); ++i) {
        const DeviceId d(i);
        const PerSecond rate = problem_->snapshot.device(d).compute;
        const double compute = rate == kUnlimited ? 0.0
                                                  : share(
                                                        static_cast<double>(ledger.flops(b)),
                                                        static_cast<double>(draft.load(b, d)),
                                                        static_cast<double>(rate) * budget_s
                                                    );
        const double memory = share(
            static_cast<double>(ledger.bytes_on(b, d)),
            static_cast<double>(ledger.budget(d) - ledger.room(d)),
            static_cast<double>(ledger.budget(d))
        );
        const double communication = communication_s(received, d) / budget_s;
        const double score = problem_->paper.score == PaperScore::max
                                 ? std::max({compute, memory, communication})
                                 : kComputeWeight * compute + kMemoryWeight * memory +
                                       kCommunicationWeight * communication;
        scores.push_back(score + migration_s(b, d) / (tokens * budget_s));
    }
    return scores;
}

DeviceId Scores::best(PaperDraft& draft, BlockId b) const {
    const std::vector<double> scores = of(draft, b);
    const DeviceId present = problem_->previous ? (*problem_->previous)[b.index()] : DeviceId();
    DeviceId best;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const DeviceId d(i);
        const bool wins = !best.valid() || scores[i] < scores[best.index()] ||
                          (scores[i] == scores[best.index()] && d == present);
        if (wins && draft.ledger().fits(b, d)) {
            best = d;
        }
    }
    return best;
}

} // namespace headroom::scheduler
