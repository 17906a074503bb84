#include "scheduler/layers/shard_descent.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace headroom::scheduler {

void ShardDescent::load(const std::vector<Shard>& shards) {
    parts_.clear();
    std::vector<bool> used(costs_.devices(), false);
    for (const Shard& shard : shards) {
        parts_.emplace_back(shard.device, shard.last - shard.first);
        used[shard.device] = true;
    }
    unused_.clear();
    for (std::size_t j = 1; j < used.size(); ++j) {
        if (!used[j] && rules_.capacity(j) > 0) {
            unused_.push_back(j);
        }
    }
    changed_.assign(costs_.devices(), false);
    context_.assign(costs_.devices(), {});
    window_ = parts_;
    first_.assign(1, 0);
    before_.assign(1, 0);
    apply(0, parts_.size());
}

/// Returns the latency with `window_` instead of shards [begin, end), or kNoChain if a rule forbids
/// it. `window_` has as many layers.
Nanoseconds ShardDescent::time_with(std::size_t begin, std::size_t end) const {
    std::size_t i = first_[begin];
    std::size_t from = begin > 0 ? parts_[begin - 1].first : 0;
    Nanoseconds time = before_[begin];
    for (const auto& [j, layers] : window_) {
        ++work_;
        if (layers == 0 || i + layers > rules_.end(i, j) ||
            (from != j && !rules_.may_follow(from, j))) {
            return kNoChain;
        }
        time += costs_.time_after_hop(i, from, j) + costs_.time_alone(i + 1, i + layers, j);
        i += layers;
        from = j;
    }
    if (end == parts_.size()) {
        return rules_.may_finish(from) ? time + costs_.finish(from) : kNoChain;
    }
    const std::size_t next = parts_[end].first;
    const std::size_t old = parts_[end - 1].first;
    return rules_.may_follow(from, next)
               ? before_.back() + time - before_[end] + costs_.time_after_hop(i, from, next) -
                     costs_.time_after_hop(i, old, next)
               : kNoChain;
}

/// Puts `window_` in place of shards [begin, end).
void ShardDescent::apply(std::size_t begin, std::size_t end) {
    const auto at = parts_.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto rest = parts_.erase(at, parts_.begin() + static_cast<std::ptrdiff_t>(end));
    parts_.insert(rest, window_.begin(), window_.end());
    first_.resize(begin + 1);
    before_.resize(begin + 1);
    for (std::size_t p = begin; p < parts_.size(); ++p) {
        const auto& [j, layers] = parts_[p];
        const std::size_t i = first_.back();
        const std::size_t from = p > 0 ? parts_[p - 1].first : 0;
        before_.push_back(
            before_.back() + costs_.time_after_hop(i, from, j) +
            costs_.time_alone(i + 1, i + layers, j)
        );
        first_.push_back(i + layers);
    }
    before_.push_back(before_.back() + costs_.finish(parts_.back().first));
    mark_changes(begin, std::min(begin + window_.size() + 1, parts_.size()));
}

/// Marks the devices of shards [begin, end) whose numbers of layers or neighbours have changed.
void ShardDescent::mark_changes(std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p) {
        const std::size_t from = p > 0 ? parts_[p - 1].first : 0;
        const Part context{from, parts_[p].second};
        if (context_[parts_[p].first] != context) {
            context_[parts_[p].first] = context;
            changed_[parts_[p].first] = true;
            changed_[from] = true;
        }
    }
}

bool ShardDescent::take_if_better(std::size_t begin, std::size_t end) {
    if (work_ >= most_ || time_with(begin, end) >= before_.back()) {
        return false;
    }
    apply(begin, end);
    return true;
}

/// Moves each run of up to three shards to each other place, and reverses each window.
void ShardDescent::move_shards() {
    for (std::size_t p = 1; p < parts_.size() && work_ < most_; ++p) {
        for (std::size_t q = p + 2; q <= parts_.size(); ++q) {
            if (!is_new(p, q)) {
                continue;
            }
            for (std::size_t n = 1; n <= 3 && p + n < q; ++n) {
                copy_window(p, q);
                std::rotate(
                    window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(n), window_.end()
                );
                take_if_better(p, q);
                copy_window(p, q);
                std::rotate(
                    window_.begin(), window_.end() - static_cast<std::ptrdiff_t>(n), window_.end()
                );
                take_if_better(p, q);
            }
            copy_window(p, q);
            std::reverse(window_.begin(), window_.end());
            take_if_better(p, q);
        }
    }
}

/// Exchanges the devices of each pair of shards, with and without their numbers of layers.
void ShardDescent::exchange_shards() {
    for (std::size_t p = 1; p < parts_.size() && work_ < most_; ++p) {
        for (std::size_t q = p + 1; q < parts_.size(); ++q) {
            if (!is_new(p, q + 1)) {
                continue;
            }
            copy_window(p, q + 1);
            std::swap(window_.front(), window_.back());
            take_if_better(p, q + 1);
            if (parts_[p].second != parts_[q].second) {
                copy_window(p, q + 1);
                std::swap(window_.front().first, window_.back().first);
                take_if_better(p, q + 1);
            }
        }
    }
}

/// Moves some layers of each shard to each other shard.
void ShardDescent::shift_layers() {
    for (std::size_t p = 0; p < parts_.size() && work_ < most_; ++p) {
        for (std::size_t q = 0; q < parts_.size(); ++q) {
            const bool tried = q == p || !is_new(std::min(p, q), std::max(p, q) + 1);
            for (std::size_t n = 1; !tried && n < parts_[p].second; ++n) {
                if (parts_[q].second + n > rules_.capacity(parts_[q].first)) {
                    break;
                }
                const std::size_t begin = std::min(p, q);
                copy_window(begin, std::max(p, q) + 1);
                window_[p - begin].second -= n;
                window_[q - begin].second += n;
                take_if_better(begin, std::max(p, q) + 1);
            }
        }
    }
}

/// Gives all or some layers of each shard to an unused device, or all to a neighbour.
void ShardDescent::use_other_devices() {
    for (std::size_t p = 0; p < parts_.size() && work_ < most_; ++p) {
        if (!is_new(p, p + 1)) {
            continue;
        }
        for (std::size_t u = 0; u < unused_.size(); ++u) {
            const Part part = parts_[p];
            const std::size_t other = unused_[u];
            window_ = {{other, part.second}};
            if (p > 0 && take_if_better(p, p + 1)) {
                unused_[u] = part.first;
                continue;
            }
            bool taken = false;
            for (std::size_t n = 1; n < part.second && !taken; ++n) {
                window_ = {{part.first, part.second - n}, {other, n}};
                taken = take_if_better(p, p + 1);
                window_ = {{other, n}, {part.first, part.second - n}};
                taken = taken || (p > 0 && take_if_better(p, p + 1));
            }
            if (taken) {
                unused_.erase(unused_.begin() + static_cast<std::ptrdiff_t>(u--));
            }
        }
        for (std::size_t q = p > 0 ? p - 1 : 1; p > 0 && q <= p + 1 && q < parts_.size(); q += 2) {
            const Part part = parts_[p];
            window_ = {{parts_[q].first, parts_[q].second + part.second}};
            if (take_if_better(std::min(p, q), std::max(p, q) + 1)) {
                unused_.push_back(part.first);
                break;
            }
        }
    }
}

/// Tries all moves at devices that have changed, until there are none.
void ShardDescent::descend() {
    while (work_ < most_ && std::find(changed_.begin(), changed_.end(), true) != changed_.end()) {
        looked_at_ = changed_;
        changed_.assign(changed_.size(), false);
        shift_layers();
        exchange_shards();
        use_other_devices();
        move_shards();
    }
}

/// Makes a random change, whatever it costs: exchanges two neighbouring runs of shards, gives a
/// shard to an unused device, or moves layers from one shard to another. Changes nothing if the
/// rules forbid the result.
void ShardDescent::kick(std::uint64_t random) {
    Random draws(random);
    const std::size_t m = parts_.size();
    const std::uint64_t kind = draws.below(4);
    std::size_t begin = 1 + draws.below(m - 2);
    std::size_t end = std::min(m, begin + 2 + draws.below(9));
    if (kind == 0 && !unused_.empty()) {
        end = begin + 1;
        std::size_t& unused = unused_[draws.below(unused_.size())];
        window_ = {{unused, parts_[begin].second}};
        if (time_with(begin, end) < kNoChain) {
            unused = parts_[begin].first;
            apply(begin, end);
        }
        return;
    }
    if (kind == 1) {
        begin -= draws.below(2);
        copy_window(begin, end);
        const bool forward = draws.below(2) == 0;
        Part& from = forward ? window_.front() : window_.back();
        Part& to = forward ? window_.back() : window_.front();
        const std::size_t layers = draws.below(from.second);
        from.second -= layers;
        to.second += layers;
    } else {
        const auto middle = static_cast<std::ptrdiff_t>(1 + draws.below(end - begin - 1));
        copy_window(begin, end);
        std::rotate(window_.begin(), window_.begin() + middle, window_.end());
    }
    if (time_with(begin, end) < kNoChain) {
        apply(begin, end);
    }
}

Nanoseconds ShardDescent::improve(std::vector<Shard>& shards, std::int64_t work) {
    most_ = work_ + work;
    load(shards);
    descend();
    std::uint64_t kicks = 0;
    while (work_ < most_ && parts_.size() > 3) {
        const std::vector<Part> parts = parts_;
        const std::vector<Part> context = context_;
        const std::vector<std::size_t> unused = unused_;
        const std::vector<std::size_t> first = first_;
        const std::vector<Nanoseconds> before = before_;
        ++work_;
        kick(stream_seed(0, "chain", kicks++));
        descend();
        if (before_.back() > before.back()) {
            context_ = context;
            changed_.assign(changed_.size(), false);
            parts_ = parts;
            unused_ = unused;
            first_ = first;
            before_ = before;
        }
    }
    shards.clear();
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        shards.push_back({parts_[p].first, first_[p], first_[p + 1]});
    }
    return before_.back();
}

} // namespace headroom::scheduler
