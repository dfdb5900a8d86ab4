# Blocks: bands (x, low, high), then lines (x, y), then marks (x, y), a look for each.
unset key
set border 3
if (log_x) { set logscale x; unset mxtics }
if (log_y) { set logscale y; unset mytics }
set xrange [x_low:x_high]
set yrange [y_low:y_high]
set xlabel x_label textcolor rgb ink
set ylabel y_label textcolor rgb ink
set style fill transparent solid 0.2 noborder
plot for [i=1:bands] data index i-1 using 1:2:3 with filledcurves lc rgb colour[i], \
     for [i=bands+1:bands+lines] data index i-1 using 1:2 with lines lw 1.6 dt dash[i] lc rgb colour[i], \
     for [i=bands+lines+1:bands+lines+marks] data index i-1 using 1:2 with points pt shape[i] ps (i > bands+lines+marks-1 && marks > 1 ? 0.8 : size) lc rgb colour[i]
unset output
