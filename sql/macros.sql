-- Every rule of the house, once: a number, a cut, a conversion, each with its source. Marts, checks, flags and the published
-- dictionary use them by name, and Python reads them from here (stellarfm/rules.py).
-- They are made as temporary macros of a connection, after those of the releases at hand: num_bp(), num_rp(), gaia_epoch_year(),
-- bits_below_healpix(level), gaia_lacks(column_name), has_crosswalk(). No file that is published depends on one.

-- ---------------------------------------------------------------------------------------------------------------- photometry

-- Zero points of G, BP and RP in mag, for fluxes in electrons per second (Gaia DR3; Riello et al. 2021, A&A 649, A3)
create macro g_zero_point_mag() as 25.6873668671;
create macro bp_zero_point_mag() as 25.3385422158;
create macro rp_zero_point_mag() as 24.7478955012;

-- Flux in G, in electrons per second, by which XP coefficients are divided (Leung & Bovy 2024)
create macro g_flux(g_mag) as pow(10, (g_zero_point_mag() - g_mag) / 2.5);

-- Error in mag for a relative error of the flux of 1: 2.5 / ln 10
create macro relative_to_mag() as 1.0857362;

-- Errors of the zero points of BP and RP in mag (Gaia DR3; Riello et al. 2021, A&A 649, A3)
create macro bp_zero_point_error_mag() as 0.00279017;
create macro rp_zero_point_error_mag() as 0.00377938;

-- Pseudo-luminosity (Leung & Bovy 2024): the parallax in mas times 10^(0.2 G), so the unit is mas. Not corrected for dust.
create macro g_fakemag(parallax_mas, g_mag) as parallax_mas * pow(10, 0.2 * g_mag);

-- Distance in pc of a star of this pseudo-luminosity: the inverse of g_fakemag, and 1000 pc for 1 mas
create macro distance_pc_of_fakemag(fakemag_mas, g_mag) as 1000 * pow(10, 0.2 * g_mag) / fakemag_mas;

-- G - J in mag of a star of this BP-RP (Riello et al. 2021, A&A 649, A3, table C.2)
create macro g_minus_j(bp_rp) as 0.01798 + 1.389 * bp_rp - 0.09338 * pow(bp_rp, 2);

-- ---------------------------------------------------------------------------------------------------------------------- cuts

-- Verdict of a cut by a column of gaia_source. A release that lacks the column cannot be judged by it: NULL, which keeps the star.
create macro cut(is_kept, column_name) as case when not gaia_lacks(column_name) then coalesce(is_kept, false) end;
create macro cut_in_words(name, column_name) as
    name || if(gaia_lacks(column_name), format(' (not judged: the release has no {})', column_name), '');
create macro passes(verdict) as coalesce(verdict, true);

-- RUWE: 1.4 and above is no single star, or a bad solution (Lindegren et al. 2021, A&A 649, A2). The paper's two signs differ:
-- the cut of the training set leaves 1.4 out, that of a good parallax takes it in (Leung & Bovy 2024).
create macro max_ruwe() as 1.4;
create macro is_good_ruwe(ruwe) as ruwe < max_ruwe();

-- A parallax that luminosity and distance may rest on (Leung & Bovy 2024)
create macro max_parallax_error_mas() as 0.1;
create macro is_good_parallax(parallax_error_mas, ruwe) as parallax_error_mas <= max_parallax_error_mas() and ruwe <= max_ruwe();

-- Colour and magnitude of the training set (Leung & Bovy 2024)
create macro min_bp_rp_mag() as 0;
create macro max_bp_rp_mag() as 4;
create macro is_good_colour(bp_rp) as bp_rp > min_bp_rp_mag() and bp_rp < max_bp_rp_mag();
create macro min_g_mag() as 6;
create macro max_g_mag() as 17.5;
create macro is_good_magnitude(g_mag) as g_mag > min_g_mag() and g_mag < max_g_mag();

-- BP-RP excess factor: 2 and above is blended light (Leung & Bovy 2024)
create macro max_excess_factor() as 2.0;
create macro is_good_excess_factor(excess_factor) as excess_factor < max_excess_factor();

-- APOGEE's bits (SDSS DR17, APOGEE_STARFLAG and APOGEE_ASPCAPFLAG). 2 and 3 of STARFLAG: a bright or very bright neighbour.
create macro has_bright_neighbour(starflag) as starflag & ((1 << 2) | (1 << 3)) <> 0;
-- 19 and 23 of ASPCAPFLAG: METALS_BAD and STAR_BAD
create macro is_bad_aspcap(aspcapflag) as aspcapflag & ((1 << 19) | (1 << 23)) <> 0;
-- Labels that the model may learn from; a star without good XP must have no flag at all (Leung & Bovy 2024)
create macro has_good_labels(starflag, aspcapflag) as starflag = 0 and not is_bad_aspcap(aspcapflag);
create macro is_clean_apogee(starflag, aspcapflag) as starflag = 0 and aspcapflag = 0;

-- ------------------------------------------------------------------------------------------------------------------- spectra

-- Percentiles of each coefficient, as shares, outside of which a star is left out of the training set (Leung & Bovy 2024)
create macro coefficient_shares() as [0.002, 0.998];

-- Whether coefficients are relevant is known to order 51; the higher ones share its fate (code of Leung & Bovy 2024)
create macro relevancy_order(coefficient_order) as least(coefficient_order, 51);

-- Fewer relevant coefficients than this are a noisy spectrum: ours
create macro min_relevant_bases() as 10;

-- --------------------------------------------------------------------------------------------------------------------- dust

-- ln E(B-V) of a sight line without dust, and the largest E(B-V) in mag that is used (Leung & Bovy 2024)
create macro no_dust_logebv() as -7.0;
create macro max_ebv_mag() as 10.0;

-- ----------------------------------------------------------------------------------------------------------------- identity

-- Nested HEALPix pixel of a source, from its identifier (data model of the release: surveys/gaia_*.toml)
create macro source_healpix(source_id, level) as source_id >> bits_below_healpix(level);

-- Of the neighbours of a source in a crosswalk of two releases the first in this order is the same star: a probable match before
-- any other, then the nearest, then the one most alike in G; at last the smaller identifier, so that the order is one
create macro neighbour_order(probable_match, angular_distance_mas, magnitude_difference, identifier) as
    row(not coalesce(probable_match, false), angular_distance_mas, abs(magnitude_difference), identifier);

-- Train, validation or test: 85, 5 and 10 % of the stars, by the star's identifier alone, so that it never changes sides
create macro split_of(identifier) as case
    when md5_number_lower(identifier::varchar) % 100 < 10 then 'test'
    when md5_number_lower(identifier::varchar) % 100 < 15 then 'validation'
    else 'train'
end;

-- The split follows the star, not its number: that of the identifiers which it had in an earlier release, where it had any; of a
-- star that was several then the side that was held out most, so that what was held out stays so. (One alone, as of nearly all, is
-- asked for by itself: a list costs twice the time.)
create macro split_of_star(source_id, earlier_source_ids) as case
    when coalesce(len(earlier_source_ids), 0) = 0 then split_of(source_id)
    when len(earlier_source_ids) = 1 then split_of(earlier_source_ids[1])
    when list_contains([split_of(i) for i in earlier_source_ids], 'test') then 'test'
    when list_contains([split_of(i) for i in earlier_source_ids], 'validation') then 'validation'
    else 'train'
end;

-- ----------------------------------------------------------------------------------------------------------------- the sky

-- Galactic latitude and longitude in degrees of an ICRS position in radians: the north galactic pole at J2000, and the longitude
-- of the celestial pole (Gaia DR3 documentation, section 4.1.7)
create macro galactic_latitude_deg(ra_rad, dec_rad) as degrees(asin(greatest(-1, least(1,
    sin(dec_rad) * sin(radians(27.12825)) + cos(dec_rad) * cos(radians(27.12825)) * cos(ra_rad - radians(192.85948))
))));
create macro galactic_longitude_deg(ra_rad, dec_rad) as (122.93192 - degrees(atan2(
    cos(dec_rad) * sin(ra_rad - radians(192.85948)),
    cos(radians(27.12825)) * sin(dec_rad) - sin(radians(27.12825)) * cos(dec_rad) * cos(ra_rad - radians(192.85948))
)) + 360) % 360;

-- Ecliptic latitude in degrees of an ICRS position in radians: the obliquity of the ecliptic at J2000 (the same section)
create macro ecliptic_latitude_deg(ra_rad, dec_rad) as degrees(asin(greatest(-1, least(1,
    sin(dec_rad) * cos(radians(23.4392911)) - cos(dec_rad) * sin(radians(23.4392911)) * sin(ra_rad)
))));

-- ---------------------------------------------------------------------------------------------------------------- the model

-- Stars with a label that a model needs at least to learn from: ours. A tenth is held out for the test and a twentieth for
-- validation: 50 leave about five and two or three, below which no scatter and no coverage can be told from chance.
create macro min_labelled_stars() as 50;

-- Predicted errors beyond which parameters are called uncertain: ours
create macro max_teff_error_k() as 300;
create macro max_logg_error_dex() as 0.5;
create macro max_m_h_error_dex() as 0.4;
create macro is_uncertain(teff_error, logg_error, m_h_error) as
    teff_error > max_teff_error_k() or logg_error > max_logg_error_dex() or m_h_error > max_m_h_error_dex();
