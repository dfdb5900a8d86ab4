# Blocks, one a panel: code, its share, format.
unset key
set border 3
set multiplot
set style fill solid 1 noborder
set boxwidth 0.84
set format y '%g'
do for [i=1:panels] {
    if (i == 2) { unset label; unset arrow }
    set lmargin at screen panel_left[i]
    set rmargin at screen panel_right[i]
    set tmargin at screen panel_top[i]
    set bmargin at screen panel_bottom[i]
    set xrange [-0.6:panel_x[i]-0.4]
    set yrange [0:panel_y[i]]
    set xtics panel_x[i] > 128 ? 64 : panel_x[i] > 64 ? 32 : panel_x[i] > 32 ? 16 : panel_x[i] > 16 ? 8 : panel_x[i] > 8 ? 4 : panel_x[i] > 4 ? 2 : 1
    set ytics panel_y[i] > 0.5 ? 0.2 : panel_y[i] > 0.25 ? 0.1 : panel_y[i] > 0.1 ? 0.05 : panel_y[i] > 0.04 ? 0.02 : panel_y[i] > 0.02 ? 0.01 : 0.005
    plot data index i-1 using 1:2 with boxes lc rgb '#0072b2', \
         1.0/panel_x[i] with lines lw 1.2 dt 2 lc rgb '#777777'
}
unset multiplot
unset output
