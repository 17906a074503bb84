// The best chain of hosts in a relaxation (relaxation.hpp), a shortest path, and the bounds of all
// other hosts.
#include <algorithm>

#include "scheduler/exact/relaxation.hpp"

namespace headroom::scheduler::exact {

void Relaxation::list_hosts() {
    const auto list = [&](std::uint64_t mask, Hosts& hosts) {
        hosts.clear();
        for (; mask != 0; mask &= mask - 1) {
            hosts.push_back(lowest(mask));
        }
    };
    for (std::size_t i = 0; i < tables_.chain_length(); ++i) {
        list(domain_->chain[i], chain_hosts_[i]);
    }
    for (std::size_t l = 0; l < tables_.layers(); ++l) {
        list(tables_.sliced() ? domain_->chain[l + 1] : domain_->proj[l], proj_hosts_[l]);
    }
}

void Relaxation::connect_layers() {
    for (std::size_t l = 0; l < tables_.layers(); ++l) {
        path_.layer(l) = {
            &groups_[at(l, 0, 0)],
            tables_.sliced() ? &slices_[l * n_] : &proj_price_[l * n_],
            tables_.from_proj(l),
            &chain_price_[(l + 1) * n_],
            nullptr,
            nullptr};
    }
}

/// Computes the prices of all hosts but lm_head, whose bytes depend on the device of embed.
void Relaxation::price_hosts() {
    std::ranges::fill(chain_price_, kInfinite);
    std::ranges::fill(proj_price_, kInfinite);
    for (std::size_t i = 0; i + 1 < tables_.chain_length(); ++i) {
        const Item* item = tables_.chain_item(i);
        for (const std::size_t d : chain_hosts_[i]) {
            chain_price_[i * n_ + d] =
                (item != nullptr ? price(*item, d) : 0) + (i == 0 ? tables_.start(d) : 0);
        }
    }
    for (std::size_t l = 0; l < tables_.layers() && !tables_.sliced(); ++l) {
        for (const std::size_t p : proj_hosts_[l]) {
            proj_price_[l * n_ + p] = price(tables_.proj(l), p);
        }
    }
}

/// Calls visit(ends) for all devices of embed together or, if lm_head is tied to embed and takes
/// fewer bytes beside it, for one after the other.
template <class Visit>
void Relaxation::for_embeds(const Visit& visit) {
    ++work_;
    const std::size_t last = tables_.chain_length() - 1;
    for (std::size_t l = 0; l < tables_.layers(); ++l) {
        operations_ += static_cast<std::int64_t>(
            (chain_hosts_[l].size() + chain_hosts_[l + 1].size()) * proj_hosts_[l].size()
        );
    }
    for (const std::size_t embed : chain_hosts_[0]) {
        std::ranges::fill(begin_, kInfinite);
        for (const std::size_t d : chain_hosts_[0]) {
            begin_[d] = !tables_.tied() || d == embed ? chain_price_[d] : kInfinite;
        }
        const bool fixed = tables_.tied() || chain_hosts_[0].size() == 1;
        for (const std::size_t d : chain_hosts_[last]) {
            const Item* item = tables_.chain_item(last, fixed && d == embed);
            chain_price_[last * n_ + d] = item != nullptr ? price(*item, d) : 0;
        }
        visit(HostPath::Ends{begin_.data(), tables_.finish(), &chain_price_[last * n_]});
        if (!tables_.tied()) {
            return;
        }
    }
}

void Relaxation::find_best_chain() {
    result_.bound = kInfinite;
    for_embeds([&](const HostPath::Ends& ends) {
        const double bound = path_.find(ends);
        if (bound < result_.bound) {
            result_.bound = bound;
            keep_chain();
        }
    });
}

void Relaxation::keep_chain() {
    for (std::size_t l = 0; l < tables_.layers(); ++l) {
        result_.draft.chain[l] = path_.holder(l);
        target_[l] = path_.target(l);
    }
    result_.draft.chain[tables_.layers()] = path_.holder(tables_.layers());
    result_.draft.chain.back() = path_.end();
}

/// Sets the bounds of all hosts; infinite if the box needs none because it is dropped.
void Relaxation::find_bounds_of_hosts(bool needed) {
    result_.chain.assign(tables_.chain_length() * n_, kInfinite);
    result_.proj.assign(tables_.sliced() ? 0 : tables_.layers() * n_, kInfinite);
    if (!needed) {
        return;
    }
    const auto lower = [](double& bound, double other) { bound = std::min(bound, other); };
    for_embeds([&](const HostPath::Ends& ends) {
        if (!(path_.find(ends) < kInfinite)) {
            return;
        }
        path_.measure_detours(ends);
        for (std::size_t d = 0; d < n_; ++d) {
            for (std::size_t l = 0; l <= tables_.layers(); ++l) {
                lower(result_.chain[l * n_ + d], path_.through_holder(l, d));
            }
            lower(result_.chain[(tables_.layers() + 1) * n_ + d], path_.through_end(d));
            for (std::size_t l = 0; l < result_.draft.proj.size(); ++l) {
                lower(result_.proj[l * n_ + d], path_.through_target(l, d));
            }
        }
    });
}

} // namespace headroom::scheduler::exact
