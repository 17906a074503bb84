#include "runtime/setup/kernel_agreement.hpp"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "runtime/setup/host_text.hpp"

namespace headroom::runtime {

namespace {

using kernels::Level;
using Offers = std::span<const KernelOffer>;
using Hosts = std::span<const std::string>;

DeviceList devices_that(Offers offers, const std::function<bool(const KernelOffer&)>& are) {
    DeviceList list;
    for (std::size_t d = 0; d < offers.size(); ++d) {
        if (are(offers[d])) {
            list.push_back(d);
        }
    }
    return list;
}

/// Returns the best level that a device can use if the run does not use OpenBLAS.
Level level_without_openblas(const KernelOffer& offer) {
    return offer.level == Level::openblas ? offer.without_openblas : offer.level;
}

bool one_core(Offers offers) {
    return std::all_of(offers.begin(), offers.end(), [&](const KernelOffer& offer) {
        return offer.openblas_core == offers.front().openblas_core;
    });
}

/// Returns why not all devices can use OpenBLAS, or "".
std::string problem_with_openblas(Offers offers, Hosts hosts) {
    const DeviceList requested = devices_that(offers, [](const KernelOffer& offer) {
        return offer.requested && offer.level == Level::openblas;
    });
    const std::string asked =
        fmt::format("{} must use openblas kernels", fleet_text(hosts, requested));
    const DeviceList against = devices_that(offers, [](const KernelOffer& offer) {
        return offer.requested && offer.level != Level::openblas;
    });
    if (!against.empty()) {
        return fmt::format(
            "{}, {} must not, but all devices need kernels that give the same bits: give all of "
            "them the same --kernels",
            asked,
            fleet_text(hosts, against)
        );
    }
    const DeviceList without =
        devices_that(offers, [](const KernelOffer& offer) { return offer.openblas_core.empty(); });
    if (!without.empty()) {
        return fmt::format(
            "{}, but {} cannot: leave --kernels out", asked, fleet_text(hosts, without)
        );
    }
    if (one_core(offers)) {
        return "";
    }
    const std::string& core = offers[requested.front()].openblas_core;
    const auto other = std::find_if(offers.begin(), offers.end(), [&](const KernelOffer& offer) {
        return offer.openblas_core != core;
    });
    const DeviceList others = devices_that(offers, [&](const KernelOffer& offer) {
        return offer.openblas_core == other->openblas_core;
    });
    return fmt::format(
        "{}, but OpenBLAS runs with core {} there and {} on {}, which gives other bits: leave "
        "--kernels out, or set OPENBLAS_CORETYPE on all hosts to a core that all of them have",
        asked,
        core,
        other->openblas_core,
        fleet_text(hosts, others)
    );
}

std::string restriction_note(Offers offers, Hosts hosts, Level common) {
    std::string others;
    for (const Level level : {Level::avx2, Level::avx512}) {
        const DeviceList more = devices_that(offers, [&](const KernelOffer& offer) {
            return level > common && level_without_openblas(offer) == level;
        });
        if (!more.empty()) {
            others += fmt::format("; {} would run on {}", name_of(level), fleet_text(hosts, more));
        }
    }
    if (others.empty()) {
        return "";
    }
    const DeviceList least = devices_that(offers, [&](const KernelOffer& offer) {
        return level_without_openblas(offer) == common;
    });
    return fmt::format(
        "{} kernels on all devices, the most that {} offers{}",
        name_of(common),
        fleet_text(hosts, least),
        others
    );
}

} // namespace

KernelOffer kernel_offer(Level level, bool requested) {
    KernelOffer offer{level, requested, Level::reference, {}};
    for (const Level own : {Level::avx2, Level::avx512}) {
        if (kernels::available(own)) {
            offer.without_openblas = own;
        }
    }
    if (kernels::available(Level::openblas)) {
        offer.openblas_core = kernels::openblas_core();
    }
    return offer;
}

KernelChoice choose_kernels(Offers offers, Hosts hosts) {
    const auto is_openblas = [](const KernelOffer& o) { return o.level == Level::openblas; };
    const bool requested = std::any_of(offers.begin(), offers.end(), [&](const KernelOffer& offer) {
        return offer.requested && is_openblas(offer);
    });
    if (requested) {
        return {Level::openblas, "", problem_with_openblas(offers, hosts)};
    }
    if (std::all_of(offers.begin(), offers.end(), is_openblas) && one_core(offers)) {
        return {Level::openblas, "", ""};
    }
    Level common = Level::avx512;
    for (const KernelOffer& offer : offers) {
        common = std::min(common, level_without_openblas(offer));
    }
    return {common, restriction_note(offers, hosts, common), ""};
}

} // namespace headroom::runtime
